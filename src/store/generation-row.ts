/** Seals and checks generation rows: a row counts only if its digest matches its contents. */
import type { Digest } from './digest.ts';
import type { Bytes, GenerationRow } from './schema.ts';

type Unsealed = Omit<GenerationRow, 'digest'>;

export function seal(row: Unsealed, digest: Digest): GenerationRow {
  return { ...row, digest: digestOf(row, digest) };
}

export function isWhole(row: GenerationRow, digest: Digest): boolean {
  return (
    row.records instanceof Float64Array &&
    row.sizes instanceof Uint32Array &&
    row.records.length === row.sizes.length &&
    row.digest === digestOf(row, digest)
  );
}

export function isManifestWhole(
  row: GenerationRow,
  manifest: Bytes | undefined,
  digest: Digest,
): manifest is Bytes {
  return manifest instanceof Uint8Array && digest(manifest) === row.manifestDigest;
}

/**
 * Returns the bytes of all records and manifests of these generations; a shared record counts once.
 */
export function sizeOf(rows: readonly GenerationRow[]): number {
  const sizes = new Map<number, number>();
  let total = 0;
  for (const row of rows) {
    total += row.manifestBytes;
    row.records.forEach((id, index) => {
      sizes.set(id, row.sizes[index] ?? 0);
    });
  }
  for (const size of sizes.values()) total += size;
  return total;
}

function digestOf(row: Unsealed, digest: Digest): bigint {
  const { machine, number, family, takenAtMs, manifestBytes, manifestDigest } = row;
  const fields = [machine, number, family, takenAtMs, manifestBytes, `${manifestDigest}`];
  const head = digest(new TextEncoder().encode(JSON.stringify(fields)));
  return digest(bytesOf(row.sizes), digest(bytesOf(row.records), head));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
