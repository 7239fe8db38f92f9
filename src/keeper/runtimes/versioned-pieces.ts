import type { VersionedPieces } from '../../protocol/abi.ts';

/** A machine's pieces of one name, and when each of them changed last. */
export class VersionedPieceMap implements VersionedPieces {
  readonly #pieces = new Map<number, Uint8Array>();
  /** The generation of each index's last change. Of deleted indexes too: their end is a change. */
  readonly #changes = new Map<number, number>();
  #generation = 0;
  #bytes = 0;
  readonly #grew: (bytes: number) => void;

  /** @param grew the pieces take so many bytes more than before */
  constructor(grew: (bytes: number) => void = () => {}) {
    this.#grew = grew;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Of all pieces. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Pieces that are there. */
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
   * The indexes that were set or deleted after `generation`, in ascending order: with 0, every one
   * that ever was. One for which {@link get} has nothing now was deleted.
   */
  changedSince(generation: number): number[] {
    const changed: number[] = [];
    for (const [index, changedAt] of this.#changes) {
      if (changedAt > generation) changed.push(index);
    }
    return changed.sort((a, b) => a - b);
  }

  /**
   * Puts back what a checkpoint held: replaces everything, and counts as no change since
   * `generation`. What had been deleted before is forgotten.
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

  /** @param grew pieces of this name take more than before */
  constructor(grew: (name: string) => void = () => {}) {
    this.#grew = grew;
  }

  /** What the pieces take whose name begins so. */
  bytesOf(prefix: string): number {
    let bytes = 0;
    for (const [name, map] of this.#maps) if (name.startsWith(prefix)) bytes += map.bytes;
    return bytes;
  }

  /** The pieces of this name, made when first asked for. */
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

/** The pieces as one runtime sees them: it reads at any time, and writes while it has the guest. */
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
