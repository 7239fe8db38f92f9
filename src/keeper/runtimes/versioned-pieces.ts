import type { VersionedPieces } from '../../protocol/abi.ts';

/** A machine's pieces of one name, with the generation of each one's last change. */
export class VersionedPieceMap implements VersionedPieces {
  readonly #pieces = new Map<number, Uint8Array>();
  /**
   * The generation of each index's last change. Includes deleted indexes: a deletion is a change.
   */
  readonly #changes = new Map<number, number>();
  #generation = 0;
  #bytes = 0;
  readonly #grew: (bytes: number) => void;

  /** @param grew called with the number of bytes by which the pieces have grown */
  constructor(grew: (bytes: number) => void = () => {}) {
    this.#grew = grew;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Size of all pieces. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of present pieces. */
  get size(): number {
    return this.#pieces.size;
  }

  get(index: number): Uint8Array | undefined {
    return this.#pieces.get(index);
  }

  set(index: number, bytes: Uint8Array): void {
    const growth = bytes.length - (this.#pieces.get(index)?.length ?? 0);
    this.#pieces.set(index, bytes);
    this.#changes.set(index, ++this.#generation);
    this.#bytes += growth;
    if (growth > 0) this.#grew(growth);
  }

  delete(index: number): void {
    this.#bytes -= this.#pieces.get(index)?.length ?? 0;
    if (this.#pieces.delete(index)) this.#changes.set(index, ++this.#generation);
  }

  indexes(): Iterable<number> {
    return this.#pieces.keys();
  }

  /**
   * Returns the indexes that were set or deleted after `generation`, ascending: with 0, all that
   * ever were. An index without a piece was deleted.
   */
  changedSince(generation: number): number[] {
    const changed: number[] = [];
    for (const [index, changedAt] of this.#changes) {
      if (changedAt > generation) changed.push(index);
    }
    return changed.sort((a, b) => a - b);
  }

  /**
   * Restores the pieces of a checkpoint: replaces all pieces, without a change since `generation`.
   * Earlier deletions are forgotten.
   */
  restore(pieces: Iterable<readonly [index: number, bytes: Uint8Array]>, generation: number): void {
    this.#pieces.clear();
    this.#changes.clear();
    this.#generation = generation;
    this.#bytes = 0;
    for (const [index, bytes] of pieces) {
      this.#bytes += bytes.length - (this.#pieces.get(index)?.length ?? 0);
      this.#pieces.set(index, bytes);
      this.#changes.set(index, generation);
    }
  }
}

/** All pieces of a machine, by name. */
export class VersionedPieceMaps {
  readonly #maps = new Map<string, VersionedPieceMap>();
  readonly #grew: (name: string) => void;

  /** @param grew called when pieces of this name have grown */
  constructor(grew: (name: string) => void = () => {}) {
    this.#grew = grew;
  }

  /** Returns the size of the pieces whose name has this prefix. */
  bytesOf(prefix: string): number {
    let bytes = 0;
    for (const [name, map] of this.#maps) if (name.startsWith(prefix)) bytes += map.bytes;
    return bytes;
  }

  /** Returns the pieces of this name, created at the first request. */
  of(name: string): VersionedPieceMap {
    let map = this.#maps.get(name);
    if (!map) {
      map = new VersionedPieceMap(() => this.#grew(name));
      this.#maps.set(name, map);
    }
    return map;
  }

  names(): Iterable<string> {
    return this.#maps.keys();
  }
}

/** The pieces for one runtime: it can always read, and write only while it has the guest. */
export class GatedPieces implements VersionedPieces {
  readonly #pieces: VersionedPieces;
  readonly #mayWrite: () => boolean;

  constructor(pieces: VersionedPieces, mayWrite: () => boolean) {
    this.#pieces = pieces;
    this.#mayWrite = mayWrite;
  }

  get generation(): number {
    return this.#pieces.generation;
  }

  get(index: number): Uint8Array | undefined {
    return this.#pieces.get(index);
  }

  set(index: number, bytes: Uint8Array): void {
    if (this.#mayWrite()) this.#pieces.set(index, bytes);
  }

  delete(index: number): void {
    if (this.#mayWrite()) this.#pieces.delete(index);
  }

  indexes(): Iterable<number> {
    return this.#pieces.indexes();
  }
}
