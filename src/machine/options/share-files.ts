/** What goes into the 9p share of a new machine. */
import { CprError } from '../../errors.ts';
import { baseUrl } from '../../protocol/base-url.ts';
import type { ShareFile, ShareInput } from './machine-options.ts';

export interface LoadedFile {
  path: string;
  bytes: Uint8Array;
}

/**
 * Reads or fetches all files.
 * @throws CprError `image-unavailable`, with the file's name
 */
export async function shareFiles(input: ShareInput | undefined): Promise<LoadedFile[]> {
  if (input === undefined || typeof input === 'boolean') return [];
  if ('index' in input) return fromIndex(input.index, input.base);
  const files = 'files' in input ? input.files : input.map(asShareFile);
  return Promise.all(
    files.map(async ({ path, file }) => ({
      path,
      bytes: await read(path, () => file.arrayBuffer()),
    })),
  );
}

/** Paths of a picked folder begin with its name, which is not part of the share. */
function asShareFile(file: File): ShareFile {
  const { webkitRelativePath, name } = file;
  return { path: webkitRelativePath ? webkitRelativePath.replace(/^[^/]*\//, '') : name, file };
}

/** `[name, sizeBytes, mtime, mode, uid, gid, entries or name of the contents]` */
type IndexEntry = readonly [string, number, number, number, number, number, unknown];

const modes = { mask: 0o170000, directory: 0o040000, file: 0o100000 } as const;

/** v86's `fs.json`, version 3, as its `tools/fs2json.py` makes it; links and devices are left out. */
async function fromIndex(index: string, base?: string): Promise<LoadedFile[]> {
  const url = new URL(index, baseUrl());
  const bytes = await read(url.href, () => get(url));
  const folder = new URL(base === undefined ? '.' : `${base.replace(/\/?$/, '/')}`, url);
  const found = parseIndex(bytes, url.href);
  return Promise.all(
    found.map(async ({ path, contents }) => {
      const at = URL.parse(contents, folder);
      // Who agreed to this server has not agreed to others that its index might name.
      if (at?.origin !== folder.origin)
        throw new CprError(
          'image-unavailable',
          `${url.href} names "${contents}", no file of ${folder}`,
        );
      return { path, bytes: await read(at.href, () => get(at)) };
    }),
  );
}

function parseIndex(bytes: Uint8Array, url: string): IndexFile[] {
  try {
    const { version, fsroot } = JSON.parse(new TextDecoder().decode(bytes));
    if (version === 3 && Array.isArray(fsroot)) return [...filesIn(fsroot, '')];
  } catch {
    // Said below.
  }
  throw new CprError(
    'image-unavailable',
    `${url} is no index of files: JSON of v86's fs2json, version 3, is expected.`,
  );
}

interface IndexFile {
  path: string;
  contents: string;
}

function* filesIn(entries: readonly IndexEntry[], folder: string): Generator<IndexFile> {
  for (const [name, , , mode, , , target] of entries) {
    const path = `${folder}${name}`;
    const kind = mode & modes.mask;
    if (kind === modes.directory && Array.isArray(target)) yield* filesIn(target, `${path}/`);
    if (kind === modes.file && typeof target === 'string') yield { path, contents: target };
  }
}

async function get(url: URL): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.arrayBuffer();
}

async function read(what: string, action: () => Promise<ArrayBuffer>): Promise<Uint8Array> {
  try {
    return new Uint8Array(await action());
  } catch (thrown) {
    throw CprError.from(
      thrown,
      'image-unavailable',
      `${what} cannot be had for the share "filesystem9p"`,
    );
  }
}
