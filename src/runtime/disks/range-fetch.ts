/**
 * Reads parts of a file from a web server that supports HTTP range requests (RFC 9110, section 14).
 */
import { HoldfastError, unreachable } from '../../errors.ts';
import { boundedBody } from './bounded-body.ts';
import { TransientError } from './retry.ts';
import { isPageAnswer, statusWords, webPage } from './server-answer.ts';

export interface RangeFile {
  url: string;
  sizeBytes: number;
  /** `etag:…`, or `mtime:…` if the server sends no ETag; absent if it sends neither. */
  version?: string;
  /**
   * Set if a stranger chose the file: it is fetched without cookies, see src/protocol/visitor.ts.
   */
  credentials?: 'omit';
}

interface RangeAnswer {
  file: RangeFile;
  bytes: Uint8Array;
}

type Asked = Pick<RangeFile, 'url' | 'credentials'> & { sizeBytes?: number };

/** Longest time without a complete answer: then the connection counts as dead. */
const answerMs = 30_000;

/** Statuses without information about the file. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Reads `start .. start + length`, or up to the file's end.
 * @param known the data of an earlier answer, if any: the file must still match it
 * @throws TransientError for failures that may pass
 * @throws HoldfastError `image-unavailable` for permanent ones; `cause` is {@link ChangedError} if
 * the file has changed
 */
export async function fetchRange(
  known: RangeFile | Asked,
  start: number,
  length: number,
  signal?: AbortSignal,
): Promise<RangeAnswer> {
  const { url } = known;
  const limit = AbortSignal.timeout(answerMs);
  const either = signal ? AbortSignal.any([signal, limit]) : limit;
  const response = await request(known, start, length, either).catch((thrown) => {
    signal?.throwIfAborted();
    throw thrown;
  });
  try {
    const file = describe(known, response, start);
    const expected = Math.min(length, file.sizeBytes - start);
    const bytes = await body(response, expected);
    // A server that sends more than was requested counts wrongly: as unusable as too little.
    if (bytes?.length !== expected)
      throw new TransientError(
        `${url}: the answer has ${bytes?.length ?? 'more'} bytes, not ${expected}`,
      );
    return { file, bytes };
  } catch (thrown) {
    // Otherwise unread data would keep the connection busy.
    response.body?.cancel().catch(() => undefined);
    throw thrown;
  }
}

/**
 * The cause of a {@link HoldfastError}: the file at the address is no longer the one that the guest
 * has used.
 */
export class ChangedError extends Error {
  override readonly name = 'ChangedError';
}

async function request(
  { url, credentials }: Asked,
  start: number,
  length: number,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { range: `bytes=${start}-${start + length - 1}` },
      // The HTTP cache would store each byte a second time, and could mix two versions of the file.
      cache: 'no-store',
      signal,
      ...(credentials && { credentials }),
    });
  } catch (cause) {
    throw new TransientError(`${url} ${unreachable}`, { cause });
  }
}

async function body(response: Response, limitBytes: number) {
  try {
    return await boundedBody(response, limitBytes);
  } catch (cause) {
    throw new TransientError(`${response.url}: the answer broke off`, { cause });
  }
}

function describe(known: RangeFile | Asked, response: Response, start: number): RangeFile {
  const { url, credentials } = known;
  const { status, headers } = response;
  if (passing.has(status)) throw new TransientError(`${url}: the server answered ${status}`);
  if (status === 416) {
    if ('version' in known) throw changed(url, 'it is shorter now');
    throw unavailable(url, 'it is empty, or the server does not know ranges');
  }
  if (status < 300 && isPageAnswer(response)) throw unavailable(url, webPage);
  if (status === 200)
    throw unavailable(
      url,
      'the server ignores ranges and sent the whole file. Use a server that supports HTTP range requests, or load the disk as a whole',
    );
  if (status !== 206) throw unavailable(url, statusWords(status));
  if (headers.has('content-encoding'))
    throw unavailable(url, 'the server compresses it, so its ranges mean nothing');

  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  const total = range && range[2] !== '*' ? Number(range[2]) : known.sizeBytes;
  if (total === undefined)
    throw unavailable(
      url,
      'its size is not known. The server must expose Content-Range to this site (CORS), or give the size',
    );
  if (range && Number(range[1]) !== start)
    throw new TransientError(`${url}: the answer is of another range`);
  if (known.sizeBytes !== undefined && total !== known.sizeBytes)
    throw changed(url, `it has ${total} bytes, not ${known.sizeBytes}`);

  const etag = headers.get('etag');
  const modified = headers.get('last-modified');
  const version = etag ? `etag:${etag}` : modified ? `mtime:${modified}` : undefined;
  if ('version' in known && known.version !== version)
    throw changed(url, `it was ${known.version} and is ${version ?? 'without a version'}`);
  return {
    url,
    sizeBytes: total,
    ...(version !== undefined && { version }),
    ...(credentials && { credentials }),
  };
}

function unavailable(url: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('image-unavailable', `The disk at ${url} cannot be used: ${why}.`, {
    cause,
  });
}

function changed(url: string, why: string): HoldfastError {
  return unavailable(
    url,
    `the file is not the one that the guest has been using, ${why}. Put the former one back`,
    new ChangedError(why),
  );
}
