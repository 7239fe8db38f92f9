/**
 * Snapshots of a machine in the keeper's own memory, and their restore: QEMU's savevm and loadvm
 * without a disk. Only later changes are restored, so that a test can start with the same guest
 * many times a second.
 */

import { HoldfastError } from '../../errors.ts';
import type { DeviceSnapshot, WriteTracking } from '../../protocol/abi.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { joinBytes } from '../../protocol/join-bytes.ts';
import { randomId } from '../../protocol/random-id.ts';
import type { RestoreReport, SnapshotInfo } from '../../protocol/snapshot.ts';
import { WatchedWrites } from '../checkpoint/watched-writes.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import type { FrozenExecution } from '../guest/execution.ts';
import { type ChangedPages, MemoryImage } from './memory-image.ts';

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
  /** The snapshot that the guest last equalled, and the write tracking since. */
  #last: { id: string; writes: WatchedWrites | undefined } | undefined;

  constructor(machine: GuestParts) {
    this.#machine = machine;
  }

  /** Returns a runtime's write tracking for all users that clear it. */
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
   * Takes a snapshot. The guest resumes afterwards as before.
   * @throws HoldfastError `bad-runstate`, `runtime-incompatible`, `blocked` by a disk that does not
   * answer
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
      const scrollbacks = Array.from(consoles.scrollbacks(), ([name, scrollback]) => ({
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
        consoles: scrollbacks,
      });
      this.#sameAs(info.id);
      return info;
    } finally {
      execution.thaw(before);
    }
  }

  /**
   * Restores the guest and its runstate from a snapshot. The present state of the guest, its disks,
   * its share and its consoles is lost.
   * @throws HoldfastError `not-found`; `bad-runstate`; the guest is unchanged. A failure after that
   * ends the guest.
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
    // A guest that is powered down has no operations in flight.
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
        const written = snapshot.memory.restore(changed);
        pages = written.length;
        this.#restoreBacking(snapshot, changed.size > 0);
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

  /** Releases a snapshot's memory. A missing snapshot is ignored. */
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

  /** Restores all state in the keeper except memory. */
  #restoreBacking(snapshot: Snapshot, isLast: boolean): void {
    const { backing, consoles, clock } = this.#machine;
    for (const name of backing.pieces.names()) {
      const then = snapshot.pieces.get(name) ?? { generation: 0, pieces: new Map() };
      const now = backing.pieces.of(name);
      // Pieces are changed in place, so those of the snapshot must be copied.
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

  /** Records that the guest equals the snapshot now. */
  #sameAs(id: string): void {
    const writes = this.watch(this.#machine.execution.instance.writes);
    writes?.take();
    this.#last = { id, writes };
  }

  /** Returns the changed pages of blocks with write tracking; empty if unknown. */
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
