const chunkBytes = 1024 * 1024;
let chunk: Blob | undefined;

/** So many zeros, as parts of a Blob that share their bytes. */
export function zeros(length: number): BlobPart[] {
  chunk ??= new Blob([new Uint8Array(chunkBytes)]);
  const parts: BlobPart[] = [];
  for (let left = length; left > 0; left -= chunkBytes)
    parts.push(left >= chunkBytes ? chunk : chunk.slice(0, left));
  return parts;
}
