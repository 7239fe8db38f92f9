/**
 * Snapshots of a machine in the keeper's own memory, and the way back to one: QEMU's savevm and
 * loadvm without a disk. Only what changed since is put back, so that a test can begin with the same
 * guest many times a second.
 */

import { HoldfastError } from '../../errors.ts';
import type { DeviceSnapshot, WriteTracking } from '../../protocol/abi.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { joinBytes } from '../../protocol/join-bytes.ts';
import { randomId } from '../../protocol/random-id.ts';
import type { RestoreReport, SnapshotInfo } from '../../protocol/snapshot.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import type { FrozenExecution } from '../guest/execution.ts';
import { type ChangedPages, MemoryImage } from './memory-image.ts';
import { WatchedWrites } from './watched-writes.ts';

interface PieceSnapshot {
  generation: number;
  pieces: ReadonlyMap<number, Uint8Array>;
}

interface ConsoleSnapshot {
  name: string;
  end: number;
  bytes: Uint8Array;
}

interface Snapshot {
  info: SnapshotInfo;
  execution: FrozenExecution;
  bootedAtMs: number;
  clockMs: number;
  config: MachineConfig;
  memory: MemoryImage;
  devices: DeviceSnapshot;
  pieces: ReadonlyMap<string, PieceSnapshot>;
  consoles: readonly ConsoleSnapshot[];
}

export class Snapshots {
  readonly #machine: GuestParts;
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #watched = new WeakMap<WriteTracking, WatchedWrites>();
  /** What the guest was last the same as, and who has kept track of it since. */
  #last: { id: string; writes: WatchedWrites | undefined } | undefined;

  constructor(machine: GuestParts) {
    this.#machine = machine;
  }

  /** A runtime's notes, for everybody who clears them. */
  watch(writes: WriteTracking | undefined): WatchedWrites | undefined {
    if (!writes) return undefined;
    let watched = this.#watched.get(writes);
    if (!watched) {
      watched = new WatchedWrites(writes, this.#machine.backing.memory);
      this.#watched.set(writes, watched);
    }
    return watched;
  }

  /**
   * The guest goes on afterwards as it did before.
   * @throws HoldfastError `bad-runstate`, `runtime-incompatible`, `blocked` by a disk that does not answer
   */
  async snapshot(): Promise<SnapshotInfo> {
    const { execution, backing, consoles, clock } = this.#machine;
    execution.requireLive('take a snapshot');
    if (!execution.instance.capture) throw tooOld(execution.instance.v86Version);
    await this.#quiesce();
    const beganMs = performance.now();
    const before = execution.freeze();
    try {
      const { instance } = execution;
      const devices = instance.capture?.();
      const { guestMemory } = instance;
      if (!devices || !guestMemory) throw tooOld(instance.v86Version);
      const memory = new MemoryImage(backing.memory, guestMemory);
      const pieces = new Map(
        Array.from(backing.pieces.names(), (name) => [name, copyPieces(backing.pieces.of(name))]),
      );
      const said = Array.from(consoles.scrollbacks(), ([name, scrollback]) => ({
        name,
        end: scrollback.end,
        bytes: joinBytes(Array.from(scrollback.chunks(), ({ bytes }) => bytes)),
      }));
      const sizeBytes = memory.sizeBytes + devices.vmstate.length + sizeOf(pieces);
      const info: SnapshotInfo = {
        id: randomId(),
        takenAtMs: Date.now(),
        sizeBytes,
        pauseMs: performance.now() - beganMs,
      };
      this.#snapshots.set(info.id, {
        info,
        execution: before,
        bootedAtMs: execution.bootedAtMs,
        clockMs: clock.now(),
        config: backing.config,
        memory,
        devices,
        pieces,
        consoles: said,
      });
      this.#sameAs(info.id);
      return info;
    } finally {
      execution.thaw(before);
    }
  }

  /**
   * Brings the guest back to where it was, and to what it did then. What the guest, its disks, its
   * share and its consoles were before is gone.
   * @throws HoldfastError `not-found`; `bad-runstate`; with the guest as it was. A failure after that is
   * the guest's end.
   */
  async restore(id: string): Promise<RestoreReport> {
    const { execution, next } = this.#machine;
    const snapshot = this.#snapshots.get(id);
    if (!snapshot) {
      throw new HoldfastError('not-found', `This keeper has no snapshot "${id}" of this machine.`);
    }
    execution.requireRestorable();
    const { instance } = execution;
    if (!instance.revert) throw tooOld(instance.v86Version);
    // A guest that is powered down does nothing.
    if (execution.runstate !== 'shutdown') await this.#quiesce();
    next.requireIdle();
    const beganMs = performance.now();
    execution.beginRestore();
    let pages = 0;
    let touched = false;
    try {
      const changed = this.#changedSince(id);
      execution.instance.revert?.(snapshot.devices, () => {
        touched = true;
        const written = snapshot.memory.putBack(changed);
        pages = written.length;
        this.#putBackKept(snapshot, changed.size > 0);
        return written;
      });
    } catch (thrown) {
      if (!touched) {
        execution.abandonRestore();
        throw thrown;
      }
      execution.crashed(thrown);
      throw HoldfastError.from(thrown, 'runtime-failed', 'The snapshot could not be restored');
    }
    this.#sameAs(id);
    execution.bootedAtMs = snapshot.bootedAtMs;
    execution.restored(snapshot.execution);
    return { pages, pauseMs: performance.now() - beganMs };
  }

  /** Gives a snapshot's memory back. Of one that there is not, nothing happens. */
  drop(id: string): void {
    this.#snapshots.delete(id);
    if (this.#last?.id === id) this.#last = undefined;
  }

  list(): SnapshotInfo[] {
    return Array.from(this.#snapshots.values(), ({ info }) => info);
  }

  #quiesce(): Promise<void> {
    const { execution, next } = this.#machine;
    return next.bounded('stop', execution.source, () => execution.instance.quiesce());
  }

  /** Everything of the machine that is in the keeper, but memory. */
  #putBackKept(snapshot: Snapshot, isLast: boolean): void {
    const { backing, consoles, clock } = this.#machine;
    for (const name of backing.pieces.names()) {
      const then = snapshot.pieces.get(name) ?? { generation: 0, pieces: new Map() };
      const now = backing.pieces.of(name);
      // Pieces are changed in place: those of the snapshot stay its own.
      const changed = new Set(isLast ? now.changedSince(then.generation) : then.pieces.keys());
      const back = Array.from(then.pieces, ([index, bytes]): [number, Uint8Array] => {
        const present = changed.has(index) ? undefined : now.get(index);
        return [index, present ?? bytes.slice()];
      });
      now.restore(back, then.generation);
    }
    consoles.restore(snapshot.consoles);
    clock.continueFrom(snapshot.clockMs);
    this.#machine.configure(snapshot.config);
  }

  /** The guest and the snapshot are the same now. */
  #sameAs(id: string): void {
    const writes = this.watch(this.#machine.execution.instance.writes);
    writes?.take();
    this.#last = { id, writes };
  }

  /** Of blocks whose writes are noted; empty where nothing is known. */
  #changedSince(id: string): ChangedPages {
    const writes = this.watch(this.#machine.execution.instance.writes);
    if (!writes || this.#last?.id !== id || this.#last.writes !== writes) return new Map();
    return new Map([['pc.ram', writes.take()]]);
  }
}

function copyPieces(pieces: {
  generation: number;
  indexes(): Iterable<number>;
  get(index: number): Uint8Array | undefined;
}): PieceSnapshot {
  const copies = new Map<number, Uint8Array>();
  for (const index of pieces.indexes()) {
    const bytes = pieces.get(index);
    if (bytes) copies.set(index, bytes.slice());
  }
  return { generation: pieces.generation, pieces: copies };
}

function sizeOf(all: ReadonlyMap<string, PieceSnapshot>): number {
  let sizeBytes = 0;
  for (const { pieces } of all.values())
    for (const { length } of pieces.values()) sizeBytes += length;
  return sizeBytes;
}

function tooOld(v86Version: string): HoldfastError {
  return new HoldfastError(
    'runtime-incompatible',
    `The runtime (v86 ${v86Version}) is of a build that knows no snapshots: update it first.`,
  );
}
