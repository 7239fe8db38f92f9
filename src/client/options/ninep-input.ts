/** The files of a new machine's 9p share. */
import { HoldfastError } from '../../errors.ts';
import { baseUrl } from '../../protocol/base-url.ts';
import type { NinepFile, NinepInput } from '../../protocol/options/machine-options.ts';
import { askingFor } from '../../protocol/visitor.ts';

export interface LoadedFile {
  path: string;
  bytes: Uint8Array;
}

/**
 * Reads or fetches all files.
 * @param isForeign whether they are from a link or a file, see src/protocol/visitor.ts
 * @throws HoldfastError `image-unavailable`, with the file's name
 */
export async function shareFiles(
  input: NinepInput | undefined,
  isForeign = false,
): Promise<LoadedFile[]> {
  if (input === undefined || typeof input === 'boolean') return [];
  if ('index' in input) return fromIndex(input.index, input.base, isForeign);
  const files = 'files' in input ? input.files : input.map(asNinepFile);
  return Promise.all(
    files.map(async ({ path, file }) => ({
      path,
      bytes: await read(path, () => file.arrayBuffer()),
    })),
  );
}

/**
 * Removes the folder's name, which begins the paths of a picked folder and is not part of the
 * share.
 */
function asNinepFile(file: File): NinepFile {
  const { webkitRelativePath, name } = file;
  return { path: webkitRelativePath ? webkitRelativePath.replace(/^[^/]*\//, '') : name, file };
}

/** `[name, sizeBytes, mtime, mode, uid, gid, entries or name of the contents]` */
type IndexEntry = readonly [string, number, number, number, number, number, unknown];

const modes = { mask: 0o170000, directory: 0o040000, file: 0o100000 } as const;

/**
 * Reads v86's `fs.json`, version 3, as its `tools/fs2json.py` makes it; links and devices are left
 * out.
 */
async function fromIndex(
  index: string,
  base: string | undefined,
  isForeign: boolean,
): Promise<LoadedFile[]> {
  const url = new URL(index, baseUrl());
  const bytes = await read(url.href, () => get(url, indexBytes, isForeign));
  const folder = new URL(base === undefined ? '.' : `${base.replace(/\/?$/, '/')}`, url);
  const found = parseIndex(bytes, url.href);
  requireRoom(found, url.href);
  const fetched = found.map(({ path, contents, sizeBytes }) => async () => {
    const at = URL.parse(contents, folder);
    // An approval of this server does not cover other servers that its index may name.
    if (at?.origin !== folder.origin)
      throw new HoldfastError(
        'image-unavailable',
        `${url.href} names "${contents}", no file of ${folder}`,
      );
    return { path, bytes: await read(at.href, () => get(at, sizeBytes, isForeign)) };
  });
  return fewAtATime(fetched);
}

/** Most bytes of an index. */
const indexBytes = 16 * 2 ** 20;
/** Most bytes of all files of a share: they are in memory. */
const shareBytes = 512 * 2 ** 20;
const shareFileCount = 50_000;
const fetchesAtATime = 8;

/** @throws HoldfastError `image-unavailable` for an index that lists too much */
function requireRoom(found: readonly IndexFile[], url: string): void {
  const total = found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total <= shareBytes && found.length <= shareFileCount) return;
  throw new HoldfastError(
    'image-unavailable',
    `${url} names ${found.length} files of ${total} bytes. A share has room for ${shareFileCount} files and ${shareBytes} bytes.`,
  );
}

async function fewAtATime<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < works.length) {
      const at = next++;
      const work = works[at];
      if (work) results[at] = await work();
    }
  };
  await Promise.all(Array.from({ length: fetchesAtATime }, worker));
  return results;
}

function parseIndex(bytes: Uint8Array, url: string): IndexFile[] {
  try {
    const { version, fsroot } = JSON.parse(new TextDecoder().decode(bytes));
    if (version === 3 && Array.isArray(fsroot)) return [...filesIn(fsroot, '')];
  } catch {
    // Reported below.
  }
  throw new HoldfastError(
    'image-unavailable',
    `${url} is no index of files: JSON of v86's fs2json, version 3, is expected.`,
  );
}

interface IndexFile {
  path: string;
  contents: string;
  sizeBytes: number;
}

const deepestFolder = 256;

function* filesIn(entries: readonly IndexEntry[], folder: string): Generator<IndexFile> {
  if (folder.split('/').length > deepestFolder) throw new Error('it goes too deep');
  for (const [name, size, , mode, , , target] of entries) {
    const path = `${folder}${name}`;
    const kind = mode & modes.mask;
    if (kind === modes.directory && Array.isArray(target)) yield* filesIn(target, `${path}/`);
    if (kind === modes.file && typeof target === 'string')
      yield { path, contents: target, sizeBytes: Math.max(0, Number(size) || 0) };
  }
}

/** @param limitBytes largest response that is accepted */
async function get(url: URL, limitBytes: number, isForeign: boolean): Promise<ArrayBuffer> {
  const response = await fetch(url, askingFor(url.href, isForeign, baseUrl()));
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (const reader = response.body?.getReader(); reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    parts.push(value as Uint8Array<ArrayBuffer>);
    if (bytes <= limitBytes) continue;
    await reader.cancel();
    throw new Error(`it has more than the ${limitBytes} bytes that it may have`);
  }
  return new Blob(parts).arrayBuffer();
}

async function read(what: string, action: () => Promise<ArrayBuffer>): Promise<Uint8Array> {
  try {
    return new Uint8Array(await action());
  } catch (thrown) {
    throw HoldfastError.from(
      thrown,
      'image-unavailable',
      `${what} is not available for the share "filesystem9p"`,
    );
  }
}
