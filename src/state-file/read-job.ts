/**
 * Reads one state file in a worker: checks and decompresses it, and sends the guest to its keeper.
 */
import { HoldfastError } from '../errors.ts';
import type { StateReference } from '../protocol/config.ts';
import { PortReceiver, PortSender } from '../protocol/port-stream.ts';
import type { DeviceStateItem, ImportItem } from '../protocol/state-transfer.ts';
import { AskedRoom } from './asked-room.ts';
import { requireReference } from './base-image.ts';
import { takeContents } from './carried-parts.ts';
import { badState } from './format/bad-state.ts';
import { ownBlobsOf } from './format/blob-group.ts';
import { type Codec, loadCodec } from './format/codec.ts';
import type { StateHead } from './format/head.ts';
import { buffersOfPages } from './format/page-group.ts';
import type { ContentsItem, StatePart } from './format/state-part.ts';
import { joinPages } from './joined-pages.ts';
import { type FetchedState, fetchState, fromStream } from './sources/fetch-state.ts';
import type { RequestFile } from './sources/preload-fetch.ts';
import { StateReader } from './state-reader.ts';
import type { OpenCommand, ReadJob, WorkerMessage } from './worker-protocol.ts';

type Post = (message: WorkerMessage) => void;

export class ReadingState {
  readonly #codec: Codec;
  readonly #reader: StateReader;
  readonly #post: Post;
  readonly #stallMs: number;
  readonly #parts: AsyncGenerator<StatePart>;
  readonly #room: AskedRoom;
  #sender: PortSender<ImportItem> | undefined;
  #loadedBytes = 0;
  #totalBytes: number | undefined;

  private constructor(
    codec: Codec,
    { reader, post, stallMs }: { reader: StateReader; post: Post; stallMs: number },
  ) {
    this.#codec = codec;
    this.#reader = reader;
    this.#post = post;
    this.#stallMs = stallMs;
    this.#room = new AskedRoom((sizeBytes) => post({ type: 'more', sizeBytes }));
    this.#parts = readAhead(joinPages(reader.parts((bytes) => this.#room.take(bytes))));
  }

  /** Reads the head and posts it. @throws HoldfastError `bad-state-file`, `state-unavailable` */
  static async open(
    { source, stallMs }: { source: ReadJob['source'] | { fetched: FetchedState }; stallMs: number },
    post: Post,
    request?: RequestFile,
  ): Promise<ReadingState> {
    // First of all: the file is fetched while the codec is loaded.
    const fetching = fetchedFrom(source, stallMs, request);
    const [codec, { bytes, sizeBytes }] = await Promise.all([loadCodec(), fetching]);
    let reading: ReadingState | undefined;
    let loadedBefore = 0;
    const reader = await StateReader.open(bytes, codec, (loaded) => {
      if (reading) reading.#arrived(loaded);
      else loadedBefore = loaded;
    });
    reading = new ReadingState(codec, { reader, post, stallMs });
    reading.#totalBytes = sizeBytes;
    post({ type: 'head', head: reader.head, ...(sizeBytes !== undefined && { sizeBytes }) });
    reading.#arrived(loadedBefore);
    return reading;
  }

  get head(): StateHead {
    return this.#reader.head;
  }

  /** @throws HoldfastError; the keeper also gets it */
  send(command: Omit<OpenCommand, 'type'>): Promise<void> {
    return this.sendTo(new PortSender<ImportItem>(command.guest), command);
  }

  /** As {@link send}, to a port that is open. */
  async sendTo(
    sender: PortSender<ImportItem>,
    { base, publishedAt, carried }: Omit<OpenCommand, 'type' | 'guest'>,
  ): Promise<void> {
    this.#sender = sender;
    try {
      const parts = this.#parts;
      const { contents, first } = await takeContents(parts, carried);
      if (contents) this.#post({ type: 'contents', contents });
      if (base) await this.#sendBase(sender, base);
      let cut: DeviceStateItem | undefined;
      const send = async (part: StatePart) => {
        if (part.kind === 'cut') cut = part;
        else if (part.kind === 'contents') throw badState('This state file is in no order.');
        else await sendPart(sender, part);
      };
      if (first) await send(first);
      for await (const part of parts) await send(part);
      // Only now is the whole file known to be intact.
      if (cut) await sender.send({ ...cut, ...this.#origin(base, publishedAt) });
      sender.end();
    } catch (thrown) {
      const error = HoldfastError.from(thrown, 'internal', 'The state could not be read');
      sender.fail(error);
      await this.#reader.close();
      throw error;
    }
  }

  /** Takes the answer to a message `more`. */
  answerMore(isAllowed: boolean): void {
    this.#room.answer(isAllowed);
  }

  /** Notifies the keeper that waits for the guest. */
  giveUp(): void {
    this.#sender?.fail(new HoldfastError('cancelled', 'Opening the state was given up.'));
  }

  #origin(base: StateReference | undefined, publishedAt: string | undefined) {
    if (base) return { openedFrom: base };
    if (publishedAt === undefined) return {};
    return { openedFrom: { url: publishedAt, digest: this.#reader.digest } };
  }

  async #sendBase(sender: PortSender<ImportItem>, base: StateReference): Promise<void> {
    const before = this.#loadedBytes;
    const { bytes, sizeBytes } = await fetchState(base.url, this.#stallMs, sender.signal).catch(
      (thrown) => {
        throw asBaseError(thrown, base);
      },
    );
    this.#totalBytes = this.#totalBytes && sizeBytes && this.#totalBytes + sizeBytes;
    const reader = await StateReader.open(bytes, this.#codec, (loaded) =>
      this.#arrived(before + loaded),
    ).catch((thrown) => {
      throw asBaseError(thrown, base);
    });
    if (reader.head.state.base)
      throw new HoldfastError('wrong-base', 'The base builds on another one.');
    if (reader.pageCount !== this.#reader.pageCount)
      throw new HoldfastError('wrong-base', 'The base is a machine with another amount of memory.');
    try {
      for await (const part of joinPages(reader.parts((bytes) => this.#room.take(bytes))))
        if (part.kind !== 'cut' && part.kind !== 'contents') await sendPart(sender, part);
    } catch (thrown) {
      throw asBaseError(thrown, base);
    }
    requireReference(reader, base);
  }

  #arrived(loadedBytes: number): void {
    this.#loadedBytes = loadedBytes;
    const totalBytes = this.#totalBytes;
    const progress = { loadedBytes, ...(totalBytes !== undefined && { totalBytes }) };
    this.#post({ type: 'read-progress', progress });
  }
}

/** Starts to read the first item at once, before the page has chosen the receiver. */
function readAhead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  const first = items.next();
  // The awaiting code handles a failure.
  first.catch(() => {});
  return (async function* () {
    const { done, value } = await first;
    if (done) return;
    yield value;
    yield* items;
  })();
}

function asBaseError(thrown: unknown, { url }: StateReference): unknown {
  if (!(thrown instanceof HoldfastError)) return thrown;
  if (thrown.code === 'state-unavailable') {
    const message = `This state holds only what differs from ${url}, which is not available: ${thrown.message}`;
    return new HoldfastError('state-unavailable', message, { cause: thrown });
  }
  if (thrown.code !== 'bad-state-file') return thrown;
  const message = `What is at ${url} is not the state that this one builds on: ${thrown.message}`;
  return new HoldfastError('wrong-base', message, { cause: thrown });
}

async function fetchedFrom(
  source: ReadJob['source'] | { fetched: FetchedState },
  stallMs: number,
  request?: RequestFile,
): Promise<FetchedState> {
  if ('fetched' in source) return source.fetched;
  if ('url' in source) return fetchState(source.url, stallMs, undefined, request);
  if ('blob' in source) {
    const { blob } = source;
    return { bytes: fromStream(blob.stream(), 'The file', stallMs), sizeBytes: blob.size };
  }
  return { bytes: new PortReceiver<Uint8Array>(source.bytes) };
}

export async function sendPart(
  sender: PortSender<ImportItem>,
  part: Exclude<StatePart, ContentsItem>,
): Promise<void> {
  if (part.kind === 'pages') return sender.send(part, buffersOfPages(part));
  if (part.kind === 'cut') return sender.send(part);
  if (await sender.knows('blobs'))
    return sender.send(part, [part.bytes.buffer, part.entries.buffer]);
  for (const blob of ownBlobsOf(part))
    await sender.send(blob, blob.kind === 'blob' ? [blob.bytes.buffer] : []);
}
