const leafBytes = 1024 * 1024;
/** Blobs of zeros, each twice as long as the previous one. */
const runs: Blob[] = [];

function run(power: number): Blob {
  let found = runs[power];
  if (!found) {
    const half = power > 0 ? run(power - 1) : undefined;
    found = new Blob(half ? [half, half] : [new Uint8Array(leafBytes)]);
    runs[power] = found;
  }
  return found;
}

/**
 * Returns a Blob of `length` zeros. It is made of Blobs that share their bytes: some twenty for an
 * empty disk of 2 TiB.
 */
export function zeros(length: number): Blob {
  const parts: Blob[] = [];
  let left = length;
  for (let power = Math.max(0, Math.ceil(Math.log2(length / leafBytes))); power >= 0; power--) {
    const runBytes = leafBytes * 2 ** power;
    if (left < runBytes) continue;
    parts.push(run(power));
    left -= runBytes;
  }
  if (left > 0) parts.push(run(0).slice(0, left));
  return new Blob(parts);
}
