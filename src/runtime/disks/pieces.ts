import type { RuntimeHost, VersionedPieces } from '../../protocol/abi.ts';

/**
 * Returns the keeper's pieces of this name. A keeper without pieces still keeps them beyond its
 * runtimes.
 */
export function piecesOf(host: RuntimeHost, name: string): VersionedPieces {
  return host.pieces?.(name) ?? mapPieces(host.kept, `pieces.${name}`);
}

interface KeptMap {
  pieces: Map<number, Uint8Array>;
  generation: number;
}

/** Returns pieces in a plain object under `name`, for hosts that are no keepers. */
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
