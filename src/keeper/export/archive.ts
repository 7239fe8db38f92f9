/** Everything of a stored machine in one tar archive, in forms that other tools read. */
import type { MachineConfig } from '../../protocol/config.ts';
import { withoutContents } from '../../protocol/images.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { consoleChunkBytes, consolePrefix, piecePrefix } from '../checkpoint/blob-batch.ts';
import { partBytes, partCount, partsOf, pieceOf } from '../checkpoint/large-pieces.ts';
import type { StoredContents } from './stored-contents.ts';
import { type TarEntry, tar } from './tar.ts';
import { zeros } from './zeros.ts';

interface ArchiveRequest {
  name: string;
  config: MachineConfig | undefined;
  contents: StoredContents;
  /** Raw images by file name. */
  disks: ReadonlyMap<string, Blob>;
}

export function archiveOf({ name, config, contents, disks }: ArchiveRequest): Blob {
  const { takenAtMs, manifest, damage } = contents;
  const entries: TarEntry[] = [
    ...memoryFiles(contents),
    ...(manifest ? [{ name: 'devices.vmstate', contents: blobOf(manifest.vmstate) }] : []),
    ...[...disks].map(([file, blob]) => ({ name: file, contents: blob })),
    ...consoleFiles(contents),
    ...pieceFiles(contents),
  ];
  const described = {
    machine: name,
    takenAt: takenAtMs === undefined ? null : new Date(takenAtMs).toISOString(),
    missing: damage,
    files: entries.map((entry) => entry.name),
    config: config ? withoutContents(config) : null,
  };
  const json = new Blob([`${JSON.stringify(described, null, 2)}\n`]);
  return tar([{ name: 'machine.json', contents: json }, ...entries], takenAtMs ?? Date.now());
}

/**
 * Returns one file for each RAM block's guest part. Without a manifest, one file holds all pages.
 */
function memoryFiles({ manifest, pages }: StoredContents): TarEntry[] {
  let count = 0;
  for (const page of pages.keys()) count = Math.max(count, page + 1);
  const ranges = manifest?.ranges ?? (count > 0 ? [{ block: 'all', pages: count }] : []);
  let first = 0;
  return ranges.map(({ block, pages: length }) => {
    const parts: BlobPart[] = [];
    let missing = 0;
    for (let page = first; page < first + length; page++) {
      const found = pages.get(page);
      if (found === undefined || found === 0) {
        missing += pageBytes;
        continue;
      }
      parts.push(zeros(missing));
      missing = 0;
      const contents =
        typeof found === 'number' ? new Uint32Array(pageBytes / 4).fill(found) : found;
      parts.push(contents as Uint8Array<ArrayBuffer>);
    }
    parts.push(zeros(missing));
    first += length;
    return { name: `memory/${fileName(block)}.bin`, contents: new Blob(parts) };
  });
}

function consoleFiles(contents: StoredContents): TarEntry[] {
  return contents
    .streams()
    .filter((stream) => stream.startsWith(consolePrefix))
    .map((stream) => {
      const chunks = [...contents.blobs(stream)].sort(([a], [b]) => a - b);
      const parts: BlobPart[] = [];
      let next: number | undefined;
      for (const [index, bytes] of chunks) {
        if (next !== undefined && index > next) {
          const lost = (index - next) * consoleChunkBytes;
          parts.push(`\n[${lost} bytes are lost]\n`);
        }
        parts.push(bytes as Uint8Array<ArrayBuffer>);
        next = index + 1;
      }
      const name = `console/${fileName(stream.slice(consolePrefix.length))}.txt`;
      return { name, contents: new Blob(parts) };
    });
}

/** Returns the pieces that are not disks: the files of the 9p share, by number. */
function pieceFiles(contents: StoredContents): TarEntry[] {
  const lengths = contents.manifest?.parts ?? {};
  const files = new Map<string, Blob>();
  for (const stream of contents.streams()) {
    if (!stream.startsWith(piecePrefix) || stream.startsWith(`${piecePrefix}disk.`)) continue;
    const name = stream.slice(piecePrefix.length);
    const piece = pieceOf(name);
    // Parts of an earlier time belong to no piece.
    if (piece && contents.manifest && lengths[name] === undefined) continue;
    const { stream: pieces, index: whole } = piece ?? { stream: name };
    const found = contents.blobs(stream);
    const add = (index: number, blob: Blob) =>
      files.set(`pieces/${fileName(pieces)}/${index}`, blob);
    if (whole !== undefined) add(whole, blobOfParts(found, lengths[name]));
    else
      for (const [index, bytes] of found)
        if (lengths[partsOf(name, index)] === undefined) add(index, blobOf(bytes));
  }
  return [...files].map(([name, contents]) => ({ name, contents }));
}

/** Lost parts are filled with zeros. */
function blobOfParts(parts: ReadonlyMap<number, Uint8Array>, length?: number): Blob {
  const count = Math.max(0, ...parts.keys()) + 1;
  const bytes = new Uint8Array(length ?? count * partBytes);
  for (const [part, contents] of parts)
    if (part < partCount(bytes.length)) bytes.set(contents, part * partBytes);
  return blobOf(bytes);
}

const blobOf = (bytes: Uint8Array) => new Blob([bytes as Uint8Array<ArrayBuffer>]);

/**
 * Returns a safe file name. Stored names may come from a state file: none may be a path or leave
 * its folder.
 */
const fileName = (stored: string): string =>
  stored
    .replaceAll(/[^\w.-]/g, '_')
    .replace(/^\.+/, '_')
    .slice(0, 60) || '_';
