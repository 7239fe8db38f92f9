/** Compression levels of a state file: a large guest must not keep its user waiting. */

/**
 * Levels of zstd. With packs of 256 KiB, 14 makes a small guest as small as 9 does with groups of
 * 4 MiB. 7 makes Debian's text installer 50.0 MB (142 MiB of pages). 5 makes it 3 % larger, in 3/4 of the time.
 */
const small = { level: 14, mostMachineBytes: 256 * 2 ** 20, mostBytes: 10 << 20 } as const;
const usual = 7;
/** A state on a base is small, and may have to fit into a link. */
const onBase = { level: 19, mostBytes: 3 << 20 } as const;
/** Levels after this many bytes of the guest. */
const ofLarge = [
  { afterBytes: 256 << 20, level: 3 },
  { afterBytes: 128 << 20, level: 5 },
] as const;

interface Earlier {
  /** Memory of the machine: not all of it is written. */
  machineBytes: number;
  /** Size of the guest so far, before compression. */
  writtenBytes: number;
  hasBase: boolean;
  /** True for what a reader waits for before its guest runs. */
  isHot?: boolean;
}

export function compressionLevel(
  rawBytes: number,
  { machineBytes, writtenBytes, hasBase, isHot }: Earlier,
): number {
  if (hasBase && rawBytes <= onBase.mostBytes) return onBase.level;
  const isSmall = machineBytes <= small.mostMachineBytes && writtenBytes < small.mostBytes;
  if (isHot || isSmall) return small.level;
  return ofLarge.find(({ afterBytes }) => writtenBytes >= afterBytes)?.level ?? usual;
}
