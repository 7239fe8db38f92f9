import {
  abiVersion,
  type RamBlock,
  type RuntimeHost,
  type VersionedPieces,
} from '../../protocol/abi.ts';
import type { DriveSource, MachineConfig, RemovableDriveName } from '../../protocol/config.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import { GatedPieces, type VersionedPieceMaps } from './versioned-pieces.ts';

type WakeupReason = Parameters<NonNullable<RuntimeHost['wakeup']>>[0];

/** Parts of a machine that its runtimes use. */
export interface HostBacking {
  /** The present configuration: the media in the drives change. */
  config: MachineConfig;
  readonly memory: WebAssembly.Memory;
  readonly runtimeBytes: number;
  readonly scratch: WebAssembly.Memory;
  readonly blocks: readonly RamBlock[];
  readonly kept: Map<string, unknown>;
  readonly pieces: VersionedPieceMaps;
  readonly clock: () => number;
  emit(event: MachineEvent, transfer: Transferable[]): void;
  consoleOutput(name: string, bytes: Uint8Array): void;
  crashed(reason: unknown): void;
  guestReset(): void;
  guestHalted(): void;
  driveChanged(device: RemovableDriveName, source: DriveSource | undefined): void;
  wakeup(reason: WakeupReason): void;
}

/**
 * `preparing`: only progress passes. `taking-over`: everything passes but a crash, which the
 * hand-over itself checks. `in-charge`: everything passes. `closed`: nothing passes, so that a late
 * timer of a parked or ended runtime cannot affect the guest.
 */
type Gate = 'preparing' | 'taking-over' | 'in-charge' | 'closed';

/** The host of one runtime. */
export class GatedHost implements RuntimeHost {
  readonly abiVersion = abiVersion;
  readonly memory: WebAssembly.Memory;
  readonly runtimeBytes: number;
  readonly scratch: WebAssembly.Memory;
  readonly blocks: readonly RamBlock[];
  readonly kept: Map<string, unknown>;
  readonly #backing: HostBacking;
  readonly #pieces = new Map<string, VersionedPieces>();
  gate: Gate = 'preparing';
  #failure: { reason: unknown } | undefined;

  constructor(backing: HostBacking) {
    this.#backing = backing;
    this.memory = backing.memory;
    this.runtimeBytes = backing.runtimeBytes;
    this.scratch = backing.scratch;
    this.blocks = backing.blocks;
    this.kept = backing.kept;
    this.clock = backing.clock;
  }

  get config(): MachineConfig {
    return this.#backing.config;
  }

  // Arrow functions: a runtime may pass them to v86 without their object.
  readonly clock: () => number;

  readonly emit = (event: MachineEvent, transfer: Transferable[] = []): void => {
    const passes = this.gate === 'preparing' ? event.type === 'progress' : this.gate !== 'closed';
    if (passes) this.#backing.emit(event, transfer);
  };

  readonly consoleOutput = (name: string, bytes: Uint8Array): void => {
    if (this.#speaksForGuest()) this.#backing.consoleOutput(name, bytes);
  };

  readonly crashed = (reason: unknown): void => {
    if (this.gate === 'in-charge') this.#backing.crashed(reason);
    else if (this.gate === 'taking-over') this.#failure ??= { reason };
    else console.warn(`A runtime that is ${this.gate} reported a crash:`, reason);
  };

  readonly guestReset = (): void => {
    if (this.#speaksForGuest()) this.#backing.guestReset();
  };

  readonly guestHalted = (): void => {
    if (this.gate === 'in-charge') this.#backing.guestHalted();
  };

  readonly wakeup = (reason: WakeupReason): void => {
    if (this.gate === 'in-charge') this.#backing.wakeup(reason);
  };

  readonly pieces = (name: string): VersionedPieces => {
    let pieces = this.#pieces.get(name);
    if (!pieces) {
      pieces = new GatedPieces(this.#backing.pieces.of(name), () => this.#speaksForGuest());
      this.#pieces.set(name, pieces);
    }
    return pieces;
  };

  readonly driveChanged = (device: RemovableDriveName, source: DriveSource | undefined): void => {
    if (this.#speaksForGuest()) this.#backing.driveChanged(device, source);
  };

  /** Throws the reason of a crash that was reported while `taking-over`. */
  rethrowCrash(): void {
    if (this.#failure) throw this.#failure.reason;
  }

  #speaksForGuest(): boolean {
    return this.gate === 'in-charge' || this.gate === 'taking-over';
  }
}
