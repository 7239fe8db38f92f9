/**
 * A state file that is read by HTTP Range (RFC 9110, section 14). The first answer pins the version
 * of the file. Requests have no header but Range, and none for its last bytes: other sites would be
 * asked before each.
 */
import { HoldfastError } from '../../errors.ts';
import {
  type FetchedState,
  fetchState,
  fromResponse,
  refusedBy,
  responseOf,
} from './fetch-state.ts';
import type { RangeSource } from './range-source.ts';
import { requestNow } from './request-now.ts';

/** Most heads, with their pictures, and whole small files. */
const firstBytes = 64 << 10;

interface HttpOptions {
  /** Time after which a silent server is abandoned, ms. */
  stallMs: number;
  signal?: AbortSignal | undefined;
}

/** Properties of an answer that the next one must have as well. */
export interface FileVersion {
  sizeBytes: number;
  /** The ETag, or the time of the last change. Other sites may hide both. */
  tag: string | null;
}

type Answer = Pick<Response, 'ok' | 'status'> & { headers: Pick<Headers, 'get' | 'has'> };

interface Part extends FileVersion {
  begin: number;
  end: number;
}

export class HttpRanges implements RangeSource {
  readonly version: FileVersion;
  /** The beginning of the file. */
  readonly first: Uint8Array<ArrayBuffer>;
  readonly #url: string;
  readonly #options: HttpOptions;

  private constructor(
    url: string,
    options: HttpOptions,
    version: FileVersion,
    first: Uint8Array<ArrayBuffer>,
  ) {
    this.#url = url;
    this.#options = options;
    this.version = version;
    this.first = first;
  }

  /**
   * @returns the whole file as a stream if the server sends no ranges, or compresses what it sends
   * @throws HoldfastError `state-unavailable`
   */
  static async open(url: string, options: HttpOptions): Promise<HttpRanges | FetchedState> {
    const response = await requested(url, { begin: 0, end: firstBytes }, options);
    if (response.status === 200) return fromResponse(response, url, options.stallMs);
    const part = partOf(response);
    const first = part && part.begin === 0 && (await firstOf(response, part, url, options));
    if (first) {
      const { sizeBytes, tag } = part;
      return new HttpRanges(url, options, { sizeBytes, tag }, first);
    }
    await response.body?.cancel().catch(() => {});
    return fetchState(url, options.stallMs, options.signal);
  }

  /** Reads the same file as before, without a request. @param version of the file */
  static resume(url: string, version: FileVersion, options: HttpOptions): HttpRanges {
    return new HttpRanges(url, options, version, new Uint8Array());
  }

  get sizeBytes(): number {
    return this.version.sizeBytes;
  }

  /** The whole file in its order. @throws HoldfastError as {@link read} */
  async stream(): Promise<FetchedState> {
    const { sizeBytes } = this;
    const first = this.first;
    const rest =
      first.length < sizeBytes
        ? fromResponse(await this.#request(first.length, sizeBytes), this.#url, this.#stallMs)
        : undefined;
    const bytes = (async function* () {
      yield first;
      if (rest) yield* rest.bytes;
    })();
    return { bytes, sizeBytes };
  }

  /**
   * @throws HoldfastError `state-changed` if there is another version of the file now,
   * `state-unavailable`
   */
  async read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    if (end <= this.first.length) return this.first.slice(begin, end);
    const response = await this.#request(begin, end);
    return bodyOf(response, { begin, end, ...this.version }, this.#url, this.#options);
  }

  /** As {@link read}, and blocks this worker. */
  readNow(begin: number, end: number): Uint8Array<ArrayBuffer> {
    if (end <= this.first.length) return this.first.slice(begin, end);
    const answer = requestNow(this.#url, { begin, end }, this.#stallMs);
    this.#require(answer, { begin, end });
    return answer.bytes;
  }

  get #stallMs(): number {
    return this.#options.stallMs;
  }

  async #request(begin: number, end: number): Promise<Response> {
    const response = await requested(this.#url, { begin, end }, this.#options);
    try {
      this.#require(response, { begin, end });
    } catch (thrown) {
      await response.body?.cancel().catch(() => {});
      throw thrown;
    }
    return response;
  }

  /** @throws HoldfastError unless it is this part of this version of the file */
  #require(answer: Answer, { begin, end }: { begin: number; end: number }): void {
    const part = partOf(answer);
    const { sizeBytes, tag } = this.version;
    const isSame = part && part.sizeBytes === sizeBytes && part.tag === tag;
    if (isSame && part.begin === begin && part.end === end) return;
    if (!answer.ok && answer.status !== 416) throw refusedBy(answer, this.#url);
    throw new HoldfastError(
      'state-changed',
      `${this.#url} is not the file any more that it was. Open it again.`,
    );
  }
}

const requested = (
  url: string,
  { begin, end }: { begin: number; end: number },
  { stallMs, signal }: HttpOptions,
) =>
  responseOf(url, {
    stallMs,
    signal,
    request: (address, ended) =>
      fetch(address, { signal: ended, headers: { Range: `bytes=${begin}-${end - 1}` } }),
  });

/** @returns undefined for an answer that is no part of a file, or not as it is in the file */
function partOf({ status, headers }: Answer): Part | undefined {
  if (status !== 206 || headers.has('content-encoding')) return undefined;
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '');
  const [begin = -1, last = -1, sizeBytes = -1] = found?.slice(1).map(Number) ?? [];
  if (begin < 0 || last < begin || last >= sizeBytes || !Number.isSafeInteger(sizeBytes))
    return undefined;
  const tag = headers.get('etag') ?? headers.get('last-modified');
  return { begin, end: last + 1, sizeBytes, tag };
}

/** @returns undefined if it is not what the answer says: its compression is hidden */
async function firstOf(
  response: Response,
  part: Part,
  url: string,
  options: HttpOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (part.end > firstBytes) return undefined;
  try {
    return await bodyOf(response, part, url, options);
  } catch (thrown) {
    options.signal?.throwIfAborted();
    if (thrown instanceof HoldfastError) return undefined;
    throw thrown;
  }
}

/** @throws HoldfastError `state-unavailable` */
async function bodyOf(
  response: Response,
  { begin, end }: Part,
  url: string,
  { stallMs }: HttpOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(end - begin);
  let at = 0;
  for await (const bytes of fromResponse(response, url, stallMs).bytes) {
    if (at + bytes.length > out.length) {
      at = -1;
      break;
    }
    out.set(bytes, at);
    at += bytes.length;
  }
  if (at !== out.length)
    throw new HoldfastError('state-unavailable', `${url}: the server sent another length.`);
  return out;
}
