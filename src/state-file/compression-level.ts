/** Compression levels of a state file: a large guest must not keep its user waiting. */

/**
 * Levels of zstd. With groups of 4 MiB, 9 makes a guest's memory as small as 12, in half the time. For
 * programs it takes six times as long as 3, and makes their pages 10 % smaller.
 */
const usual = 9;
/** A state on a base is small, and may have to fit into a link. */
const onBase = { level: 19, mostBytes: 3 << 20 } as const;
/** Levels after this many bytes of the guest. */
const ofLarge = [
  { afterBytes: 48 << 20, level: 3 },
  { afterBytes: 24 << 20, level: 5 },
] as const;

/** @param writtenBytes of the guest so far, before compression */
export function compressionLevel(
  rawBytes: number,
  { writtenBytes, hasBase }: { writtenBytes: number; hasBase: boolean },
): number {
  if (hasBase && rawBytes <= onBase.mostBytes) return onBase.level;
  return ofLarge.find(({ afterBytes }) => writtenBytes >= afterBytes)?.level ?? usual;
}
