import type { DriveName } from '../../protocol/config.ts';

/** An operation that a device waits for. */
export interface Operation {
  device: DriveName;
  start: number;
  length: number;
  /** Of a part of a sector: what is around it is read first. */
  isWrite: boolean;
  /** Gives it up: the guest sees a disk error. */
  fail(): void;
  /** The guest that asked is no more: nobody is told anything. */
  forget(): void;
}

/** The operations of all disks that are under way. */
export class InFlight {
  readonly #operations = new Set<Operation>();

  get operations(): ReadonlySet<Operation> {
    return this.#operations;
  }

  of(device: string): Operation[] {
    return [...this.#operations].filter((operation) => operation.device === device);
  }

  begin(operation: Operation): void {
    this.#operations.add(operation);
  }

  end(operation: Operation): void {
    this.#operations.delete(operation);
  }
}
