/** Sectors a track, tracks and heads of each floppy format of v86 (its `DISK_FORMATS`). */
const formats: readonly (readonly [heads: number, tracks: number, sectors: readonly number[]])[] = [
  [1, 40, [8, 9, 10]],
  [1, 80, [9]],
  [2, 40, [8, 9, 10]],
  [2, 41, [10]],
  [2, 42, [10]],
  [2, 80, [8, 9, 10, 11, 13, 14, 15, 18, 20, 21, 22, 23, 24, 36, 39, 40, 44, 48]],
  [2, 82, [10, 18, 21]],
  [2, 83, [10, 18, 21]],
];

const sizes = formats
  .flatMap(([heads, tracks, sectors]) => sectors.map((count) => heads * tracks * count * 512))
  .sort((a, b) => a - b);

/**
 * Returns the size of the smallest floppy that an image fits on. An image of another size would be
 * copied to v86's own memory, where the guest's writes are lost.
 */
export function floppySize(imageBytes: number): number | undefined {
  return sizes.find((sizeBytes) => sizeBytes >= imageBytes);
}
