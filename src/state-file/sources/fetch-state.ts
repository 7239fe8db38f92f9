/** The bytes of a state file from any source, with descriptive errors. */
import { HoldfastError } from '../../errors.ts';
import type { RequestFile } from './preload-fetch.ts';

export interface FetchedState {
  bytes: AsyncIterable<Uint8Array>;
  sizeBytes?: number;
}

const unavailable = (message: string, cause?: unknown) =>
  new HoldfastError('state-unavailable', message, { ...(cause !== undefined && { cause }) });

/** @throws HoldfastError `state-unavailable` */
export async function fetchState(
  url: string,
  stallMs: number,
  signal?: AbortSignal,
  request?: RequestFile,
): Promise<FetchedState> {
  return fromResponse(await responseOf(url, { stallMs, signal, request }), url, stallMs);
}

interface ResponseOptions {
  stallMs: number;
  signal?: AbortSignal | undefined;
  request?: RequestFile | undefined;
}

/** @throws HoldfastError `state-unavailable` if no server answers in time */
export async function responseOf(
  url: string,
  {
    stallMs,
    signal,
    request = (address, ended) => fetch(address, { signal: ended }),
  }: ResponseOptions,
): Promise<Response> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), stallMs);
  try {
    const ended = AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]);
    return await request(url, ended);
  } catch (cause) {
    signal?.throwIfAborted();
    if (stalled.signal.aborted) throw sendsNothing(url, stallMs);
    throw notReached(url, cause);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws HoldfastError `state-unavailable` */
export function fromResponse(response: Response, url: string, stallMs: number): FetchedState {
  if (!response.ok) throw refusedBy(response, url);
  if (!response.body) throw unavailable(`${url}: the server sent nothing.`);
  const length = Number(response.headers.get('content-length') ?? 0);
  // With a content encoding, the length counts the encoded bytes.
  const isPlain = !response.headers.has('content-encoding');
  return {
    bytes: fromStream(response.body, url, stallMs),
    ...(isPlain && length > 0 && { sizeBytes: length }),
  };
}

export function notReached(url: string, cause: unknown): HoldfastError {
  const isElsewhere = new URL(url).origin !== globalThis.location.origin;
  return unavailable(
    isElsewhere
      ? `${url} could not be fetched: its server is not reachable, or does not allow other sites to read it (CORS).`
      : `${url} could not be fetched: the server is not reachable.`,
    cause,
  );
}

export function refusedBy({ status }: Pick<Response, 'status'>, url: string): HoldfastError {
  const hint = [404, 410].includes(status)
    ? ' It has expired or was deleted, or the link is not whole.'
    : '';
  return unavailable(`${url} could not be fetched: the server answered ${status}.${hint}`);
}

/** @throws HoldfastError `state-unavailable` if it breaks off, or sends nothing for `stallMs` */
export async function* fromStream(
  stream: ReadableStream<Uint8Array>,
  name: string,
  stallMs: number,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const stalled = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(sendsNothing(name, stallMs)), stallMs);
      });
      try {
        const { done, value } = await Promise.race([reader.read(), stalled]);
        if (done) return;
        yield value;
      } finally {
        clearTimeout(timer);
      }
    }
  } catch (thrown) {
    throw HoldfastError.from(thrown, 'state-unavailable', `${name} broke off`);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

const sendsNothing = (name: string, stallMs: number) =>
  unavailable(`${name} has sent nothing for ${stallMs / 1000} s. Try again later.`);
