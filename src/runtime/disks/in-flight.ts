import type { DriveName } from '../../protocol/config.ts';

/** A disk operation that a device waits for. */
export interface Operation {
  device: DriveName;
  start: number;
  length: number;
  /** True for a write to a part of a sector: the rest is read first. */
  isWrite: boolean;
  /** Abandons it: the guest sees a disk error. */
  fail(): void;
  /** Drops it without a report: its guest has ended. */
  forget(): void;
}

/** The operations of all disks in flight. */
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
