import type { RuntimeHost, VersionedPieces } from '../../protocol/abi.ts';

/** The keeper's pieces of this name; those of a keeper that has none outlive its runtimes too. */
export function piecesOf(host: RuntimeHost, name: string): VersionedPieces {
  return host.pieces?.(name) ?? mapPieces(host.kept, `pieces.${name}`);
}

interface KeptMap {
  pieces: Map<number, Uint8Array>;
  generation: number;
}

/** Pieces in a plain object under `name`: a keeper's, for hosts that are none. */
export function mapPieces(kept: Map<string, unknown>, name: string): VersionedPieces {
  let map = kept.get(name) as KeptMap | undefined;
  if (!map) {
    map = { pieces: new Map(), generation: 0 };
    kept.set(name, map);
  }
  const state = map;
  return {
    get: (index) => state.pieces.get(index),
    set(index, bytes) {
      state.pieces.set(index, bytes);
      state.generation++;
    },
    delete(index) {
      if (state.pieces.delete(index)) state.generation++;
    },
    indexes: () => state.pieces.keys(),
    get generation() {
      return state.generation;
    },
  };
}
