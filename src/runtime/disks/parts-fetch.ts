/** A disk that a web server stores as files of equal size: see {@link PartsSource}. */
import { HoldfastError, unreachable } from '../../errors.ts';
import type { PartsSource } from '../../protocol/config.ts';
import { boundedBody } from './bounded-body.ts';
import { ChangedError } from './range-fetch.ts';
import { TransientError } from './retry.ts';
import { isPageAnswer, webPage } from './server-answer.ts';
import { unpack } from './unpack.ts';

export interface PartsFile {
  url: string;
  partBytes: number;
  sizeBytes: number;
  /** Version of the first part: `etag:…` or `mtime:…`. */
  version?: string;
  /**
   * Set if a stranger chose the file: it is fetched without cookies, see src/protocol/visitor.ts.
   */
  credentials?: 'omit';
  /** The part that was read last: the guest's next read is often in it. */
  last?: { start: number; bytes: Uint8Array };
}

type Asking = Pick<PartsFile, 'credentials'>;

/** Longest time without an answer. */
const answerMs = 30_000;
const packed = /\.(?:gz|zst)$/;

/** `disk.img` from 0 to 512 is `disk-0-512.img`. */
export function partUrl(url: string, start: number, end: number): string {
  const at = new URL(url);
  const compression = packed.exec(at.pathname)?.[0] ?? '';
  const path = at.pathname.slice(0, at.pathname.length - compression.length);
  const dot = path.lastIndexOf('.');
  const hasExtension = dot > path.lastIndexOf('/');
  const [stem, extension] = hasExtension ? [path.slice(0, dot), path.slice(dot)] : [path, ''];
  at.pathname = `${stem}-${start}-${end}${extension}${compression}`;
  return at.href;
}

/**
 * Determines the size of the disk, unless it is given, from the parts that exist.
 * @throws HoldfastError `image-unavailable`
 */
export async function findParts(
  { url, partBytes, sizeBytes }: PartsSource,
  signal: AbortSignal | undefined,
  asking: Asking = {},
): Promise<PartsFile> {
  const part = (index: number) => partUrl(url, index * partBytes, (index + 1) * partBytes);
  const first = await exists(part(0), signal, asking);
  if (!first) throw unavailable(url, `there is no ${part(0)}. Check partBytes (${partBytes})`);
  const known = {
    url,
    partBytes,
    ...(first.version !== undefined && { version: first.version }),
    ...asking,
  };
  if (sizeBytes !== undefined) return { ...known, sizeBytes };

  let there = 0;
  let missing = 1;
  while (await exists(part(missing), signal, asking)) {
    there = missing;
    missing *= 2;
  }
  while (missing - there > 1) {
    const middle = Math.floor((there + missing) / 2);
    if (await exists(part(middle), signal, asking)) there = middle;
    else missing = middle;
  }
  const last = await fetchPart({ ...known, url: part(there) }, signal);
  return { ...known, sizeBytes: there * partBytes + last.length };
}

/** Reads `start .. start + length`, which must be within the disk. @throws as {@link fetchRange} */
export async function readParts(
  file: PartsFile,
  start: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const { partBytes } = file;
  const bytes = new Uint8Array(length);
  for (let at = start; at < start + length; ) {
    const partStart = Math.floor(at / partBytes) * partBytes;
    const part = await partAt(file, partStart, signal);
    const end = Math.min(start + length, partStart + part.length);
    bytes.set(part.subarray(at - partStart, end - partStart), at - start);
    at = end;
  }
  return bytes;
}

async function partAt(
  file: PartsFile,
  start: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (file.last?.start === start) return file.last.bytes;
  const { url, partBytes, sizeBytes } = file;
  const address = partUrl(url, start, start + partBytes);
  const bytes = await fetchPart({ ...file, url: address }, signal);
  const expected = Math.min(partBytes, sizeBytes - start);
  if (bytes.length !== expected)
    throw unavailable(address, `it has ${bytes.length} bytes, not ${expected}`);
  file.last = { start, bytes };
  return bytes;
}

async function exists(
  url: string,
  signal: AbortSignal | undefined,
  asking: Asking,
): Promise<{ version?: string } | undefined> {
  const response = await request(url, { method: 'HEAD', ...asking }, signal).catch((thrown) => {
    throw HoldfastError.from(thrown, 'image-unavailable', `The disk at ${url} cannot be used`);
  });
  // A site that answers every request with its page would seem to have any number of parts.
  if (response.status === 404 || response.status === 403 || isPageAnswer(response))
    return undefined;
  if (!response.ok) throw unavailable(url, `the server answered ${response.status}`);
  const etag = response.headers.get('etag');
  const modified = response.headers.get('last-modified');
  if (etag) return { version: `etag:${etag}` };
  return modified ? { version: `mtime:${modified}` } : {};
}

async function fetchPart(
  { url, partBytes, credentials }: Pick<PartsFile, 'url' | 'partBytes' | 'credentials'>,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const response = await request(url, credentials ? { credentials } : {}, signal);
  if (response.status === 404)
    throw unavailable(url, 'it is not there any more. Put it back', new ChangedError('it is gone'));
  if (!response.ok) throw new TransientError(`${url}: the server answered ${response.status}`);
  if (isPageAnswer(response)) throw unavailable(url, webPage);
  try {
    const isPacked = packed.test(new URL(url).pathname);
    const limitBytes = isPacked ? packedLimit(partBytes) : partBytes;
    const bytes = await boundedBody(response, limitBytes);
    if (!bytes) throw unavailable(url, `it has more than ${limitBytes} bytes`);
    return isPacked ? await unpack(bytes, partBytes) : bytes;
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new TransientError(`${url}: the answer broke off`, { cause });
  }
}

/** Returns a limit: data that cannot be compressed grows a little, by far less than this. */
const packedLimit = (partBytes: number) => partBytes + (partBytes >> 8) + 64 * 1024;

async function request(url: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const limit = AbortSignal.timeout(answerMs);
  try {
    return await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TransientError(`${url} ${unreachable}`, { cause });
  }
}

function unavailable(url: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('image-unavailable', `The disk at ${url} cannot be used: ${why}.`, {
    cause,
  });
}
