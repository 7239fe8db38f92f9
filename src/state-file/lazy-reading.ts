/**
 * Reads of a state file at a URL only what the guest needs before it runs. The keeper reads the rest while
 * the guest runs: see docs/spec/lazy-memory.md.
 */
import { HoldfastError } from '../errors.ts';
import { PortSender } from '../protocol/port-stream.ts';
import type { ImportItem } from '../protocol/state-transfer.ts';
import { AskedRoom } from './asked-room.ts';
import { takeContents } from './carried-parts.ts';
import { badState } from './format/bad-state.ts';
import type { Codec } from './format/codec.ts';
import type { StateHead } from './format/head.ts';
import { buffersOfPages, listsOnly } from './format/page-group.ts';
import { joinedGroup } from './joined-pages.ts';
import { ReadingState, sendPart } from './read-job.ts';
import type { HttpRanges } from './sources/http-ranges.ts';
import { PrefetchedRanges } from './sources/prefetched-ranges.ts';
import { StateFileReader } from './state-file-reader.ts';
import { firstFrames } from './supply/first-frames.ts';
import { referenceTo } from './supply/supply-reference.ts';
import type { OpenCommand, WorkerMessage } from './worker-protocol.ts';

/** Numbers in a list of uniform pages. */
const mostListed = 65_536;

interface Opened {
  ranges: HttpRanges;
  url: string;
  head: StateHead;
  codec: Codec;
  post: (message: WorkerMessage) => void;
  stallMs: number;
}

export class LazyReading {
  readonly head: StateHead;
  readonly #opened: Opened;
  readonly #source: PrefetchedRanges;
  readonly #reader: Promise<StateFileReader>;
  readonly #room: AskedRoom;
  #whole: ReadingState | undefined;
  #sender: PortSender<ImportItem> | undefined;

  /** Posts the head, and reads the end. */
  constructor(opened: Opened) {
    const { head, ranges, codec, post } = opened;
    this.head = head;
    this.#opened = opened;
    this.#source = new PrefetchedRanges(ranges, (loadedBytes, totalBytes) =>
      post({ type: 'read-progress', progress: { loadedBytes, totalBytes } }),
    );
    this.#room = new AskedRoom((sizeBytes) => post({ type: 'more', sizeBytes }));
    post({ type: 'head', head, sizeBytes: ranges.sizeBytes, canBeLazy: true });
    this.#reader = opening(this.#source, codec);
    // The caller of `send` gets the error.
    this.#reader.catch(() => {});
  }

  /** @throws HoldfastError; the keeper also gets it */
  async send(command: Omit<OpenCommand, 'type'>): Promise<void> {
    const sender = new PortSender<ImportItem>(command.guest);
    this.#sender = sender;
    try {
      const reader = await this.#reader;
      const frames = firstFrames(reader);
      this.#source.prefetch(frames.all.map((number) => reader.placeOf(number)));
      const parts = reader.readParts((bytes) => this.#room.take(bytes));
      const { contents, first } = await takeContents(parts, command.carried);
      if (contents) this.#opened.post({ type: 'contents', contents });
      if (!(await sender.knows('absent'))) {
        await this.#sendWhole(sender, command);
        return;
      }
      await sendUniform(reader, sender);
      await sendPacks(reader, sender, frames.packs);
      if (first) await send(first, sender);
      for await (const part of parts) await send(part, sender);
      await sendPacks(reader, sender, reader.packs.hot);
      await this.#sendRest(reader, sender, command);
      sender.end();
    } catch (thrown) {
      const error = HoldfastError.from(thrown, 'internal', 'The state could not be read');
      sender.fail(error);
      throw error;
    }
  }

  /** Takes the answer to a message `more`. */
  answerMore(isAllowed: boolean): void {
    this.#room.answer(isAllowed);
    this.#whole?.answerMore(isAllowed);
  }

  /** Notifies the keeper that waits for the guest. */
  giveUp(): void {
    this.#sender?.fail(new HoldfastError('cancelled', 'Opening the state was given up.'));
  }

  async #sendRest(
    reader: StateFileReader,
    sender: PortSender<ImportItem>,
    { publishedAt }: Omit<OpenCommand, 'type'>,
  ): Promise<void> {
    const { ranges, url } = this.#opened;
    const cut = await reader.readDeviceState();
    const reference = await referenceTo(url.replace(/#.*$/, ''), ranges, reader);
    await sender.send({ kind: 'absent', reference });
    const openedFrom =
      publishedAt === undefined ? undefined : { url: publishedAt, digest: reader.digest };
    await sender.send({ ...cut, ...(openedFrom && { openedFrom }) });
  }

  /** The keeper, or what it would need, is of an earlier release. */
  async #sendWhole(
    sender: PortSender<ImportItem>,
    command: Omit<OpenCommand, 'type'>,
  ): Promise<void> {
    const { ranges, post, stallMs } = this.#opened;
    const source = { fetched: await ranges.stream() };
    const withoutHead = (message: WorkerMessage) => {
      if (message.type !== 'head') post(message);
    };
    this.#whole = await ReadingState.open({ source, stallMs }, withoutHead);
    await this.#whole.sendTo(sender, command);
  }
}

async function opening(source: PrefetchedRanges, codec: Codec): Promise<StateFileReader> {
  const reader = await StateFileReader.open(source, codec);
  if (!reader) throw badState('This state file has no index.');
  return reader;
}

async function sendUniform(
  { index: { sources } }: StateFileReader,
  sender: PortSender<ImportItem>,
): Promise<void> {
  let uniform: number[] = [];
  const flush = async () => {
    if (uniform.length > 0) await sender.send(listsOnly({ uniform }));
    uniform = [];
  };
  for (const [page, source] of sources.named()) {
    if (source.kind !== 'uniform') continue;
    uniform.push(page, source.word);
    if (uniform.length >= mostListed) await flush();
  }
  await flush();
}

async function sendPacks(
  reader: StateFileReader,
  sender: PortSender<ImportItem>,
  packs: readonly number[],
): Promise<void> {
  for (const pack of packs) {
    const group = joinedGroup(await reader.readPages(pack));
    await sender.send(group, buffersOfPages(group));
  }
}

async function send(
  part: Parameters<typeof sendPart>[1] | { kind: 'contents' },
  sender: PortSender<ImportItem>,
): Promise<void> {
  if (part.kind === 'contents') throw badState('This state file is in no order.');
  await sendPart(sender, part);
}
