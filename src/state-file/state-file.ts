/** A state file that a page has begun to read, and its operations for the page. */
import { HoldfastError } from '../errors.ts';
import { baseUrl, siteUrl } from '../protocol/base-url.ts';
import type { CarriedContents } from '../protocol/carried-contents.ts';
import type { MachineConfig } from '../protocol/config.ts';
import { PortReceiver, PortSender, readableFrom, sendStream } from '../protocol/port-stream.ts';
import { reachedFile } from '../protocol/reach.ts';
import { badState } from './format/bad-state.ts';
import type { StateHead } from './format/head.ts';
import { MoreQuestion } from './more-question.ts';
import {
  absoluteUrl,
  type CheckedConfig,
  checkConfig,
  type SourceName,
} from './portable-config.ts';
import { fromResponse } from './sources/fetch-state.ts';
import type { ExportStateOptions, ReadStateOptions, StateFileInfo, StateSource } from './types.ts';
import { StateWorker } from './worker-client.ts';
import type { WorkerMessage } from './worker-protocol.ts';

const defaultStallMs = 30_000;

/** A guest on its way from a state file. */
interface OpeningGuest {
  /** Complete: to start the machine with. */
  config: MachineConfig;
  ranges: StateHead['state']['ranges'];
  /** Port for the keeper, at which the rest of the guest arrives. */
  guest: MessagePort;
  /** The keeper may be sent less than all of the guest's pages. */
  canBeLazy: boolean;
  /** Rejects when reading fails. */
  failed: Promise<never>;
}

type HeadMessage = Omit<Extract<WorkerMessage, { type: 'head' }>, 'type'>;

export class StateFile {
  readonly info: StateFileInfo;
  readonly #worker: StateWorker;
  readonly #more: MoreQuestion;
  readonly #head: StateHead;
  readonly #canBeLazy: boolean;
  readonly #checked: CheckedConfig;
  readonly #publishedAt: string | undefined;
  readonly #signal: AbortSignal | undefined;
  #isOpened = false;

  private constructor(
    { worker, more }: { worker: StateWorker; more: MoreQuestion },
    { head, sizeBytes, canBeLazy = false }: HeadMessage,
    publishedAt: string | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#worker = worker;
    this.#more = more;
    this.#head = head;
    this.#canBeLazy = canBeLazy;
    this.#publishedAt = publishedAt;
    this.#signal = signal;
    this.#checked = checkConfig(head.state.config, siteUrl());
    this.info = infoOf(head, this.#checked, sizeBytes);
  }

  /**
   * Starts to read a state file. Nothing that it names is fetched.
   * @throws HoldfastError `bad-state-file`, `state-unavailable`, or the signal's reason
   */
  static async read(source: StateSource, options: ReadStateOptions = {}): Promise<StateFile> {
    const { signal, stallMs = defaultStallMs, onProgress } = options;
    signal?.throwIfAborted();
    const worker = new StateWorker();
    // The worker continues to read while its head is shown and approved.
    const more = new MoreQuestion(worker);
    const aborted = abortion(signal, worker);
    try {
      if (onProgress) worker.on('read-progress', ({ progress }) => onProgress(progress));
      const publishedAt = beginReading(worker, source, stallMs);
      const head = await Promise.race([worker.next('head'), aborted]);
      return new StateFile({ worker, more }, head, publishedAt, signal);
    } catch (thrown) {
      worker.end();
      throw thrown;
    }
  }

  /**
   * Reads the rest, for a keeper. Call it once, after {@link StateFileInfo.urls} were approved.
   * @throws HoldfastError `bad-state-file`, `wrong-base`, `state-unavailable`
   */
  async open(): Promise<OpeningGuest> {
    if (this.#isOpened)
      throw new HoldfastError('bad-runstate', 'This state file was opened already.');
    this.#isOpened = true;
    const { port1, port2 } = new MessageChannel();
    const { carried } = this.#checked;
    const contents = carried.size > 0 ? this.#worker.next('contents') : undefined;
    this.#worker.post(
      {
        type: 'open',
        guest: port1,
        base: this.info.base,
        publishedAt: this.#publishedAt,
        carried: new Map([...carried].map(([name, { sizeBytes }]) => [name, sizeBytes])),
      },
      [port1],
    );
    return {
      config: await withContents(this.#checked, (await contents)?.contents ?? new Map()),
      ranges: this.#head.state.ranges,
      guest: port2,
      canBeLazy: this.#canBeLazy,
      failed: this.#worker.failed,
    };
  }

  /**
   * Sets the approver; reading waits until there is one.
   * @param approve returns true if the state may take this much memory, besides its machine's;
   * otherwise it is refused
   */
  onMore(approve: (sizeBytes: number) => boolean | Promise<boolean>): void {
    this.#more.answerBy(approve);
  }

  get signal(): AbortSignal | undefined {
    return this.#signal;
  }

  /** Releases the source. A guest in transit does not arrive. */
  close(): void {
    this.#worker.end();
  }
}

/** @param guest port to which the keeper sends the guest */
export function writeStateFile(
  guest: MessagePort,
  { title, thumbnail, base, signal, onProgress }: ExportStateOptions,
): ReadableStream<Uint8Array> {
  const { port1, port2 } = new MessageChannel();
  const receiver = new PortReceiver<Uint8Array>(port2);
  const cancel = () =>
    receiver.cancel(HoldfastError.from(signal?.reason, 'cancelled', 'The export was cancelled'));
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel);
  const worker = new StateWorker();
  if (onProgress) worker.on('write-progress', ({ progress }) => onProgress(progress));
  // The worker first notifies the keeper that its guest is not wanted any more.
  worker.on('written', () => worker.end());
  worker.failed.catch((thrown) => {
    receiver.cancel(thrown);
    worker.end();
  });
  void (async () => {
    const picture = thumbnail && new Uint8Array(await thumbnail.arrayBuffer());
    worker.post(
      { type: 'write', guest, file: port1, title, thumbnail: picture, base, siteUrl: siteUrl() },
      [guest, port1],
    );
  })();
  return readableFrom(receiver);
}

function abortion(signal: AbortSignal | undefined, worker: StateWorker): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => {
      worker.end();
      reject(HoldfastError.from(signal.reason, 'cancelled', 'Opening the state was cancelled'));
    });
  });
}

/** @returns the URL at which the file is published, if it is */
function beginReading(
  worker: StateWorker,
  source: StateSource,
  stallMs: number,
): string | undefined {
  if (typeof source === 'string' || source instanceof URL) {
    const { href } = new URL(source, baseUrl());
    worker.post({ type: 'read', source: { url: href }, stallMs }, []);
    return href.startsWith('http') ? href.replace(/#.*$/, '') : undefined;
  }
  if (source instanceof Blob) {
    worker.post({ type: 'read', source: { blob: source }, stallMs }, []);
    return undefined;
  }
  const stream = source instanceof Response ? checkedBody(source, stallMs) : source;
  const { port1, port2 } = new MessageChannel();
  worker.post({ type: 'read', source: { bytes: port2 }, stallMs }, [port2]);
  void sendStream(stream, new PortSender<Uint8Array>(port1));
  return source instanceof Response && source.url.startsWith('http') ? source.url : undefined;
}

function checkedBody(response: Response, stallMs: number): ReadableStream<Uint8Array> {
  const { bytes } = fromResponse(response, response.url || 'The state', stallMs);
  const iterator = bytes[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

function infoOf(
  { state, thumbnail }: StateHead,
  { config, urls }: CheckedConfig,
  sizeBytes: number | undefined,
): StateFileInfo {
  const site = siteUrl();
  const base = state.base && {
    url: absoluteUrl(state.base.url, site),
    digest: state.base.digest,
  };
  return {
    title: state.title,
    createdAtMs: state.createdAtMs,
    ...(sizeBytes !== undefined && { sizeBytes }),
    machineId: state.machineId,
    config,
    v86Version: state.v86Version,
    ...(base && { base }),
    urls: base ? [reachedFile('base', base.url, site), ...urls] : urls,
    ...(thumbnail &&
      isPicture(thumbnail) && { thumbnail: new Blob([thumbnail], { type: 'image/png' }) }),
  };
}

/** Largest width and height of a shown picture: a browser decodes it before it scales it down. */
const pictureSize = 4096;

/** Checks the header (PNG, 5.2 and 11.2.1). */
function isPicture(thumbnail: Uint8Array<ArrayBuffer>): boolean {
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (thumbnail.length < 24 || signature.some((byte, i) => thumbnail[i] !== byte)) return false;
  const view = new DataView(thumbnail.buffer, thumbnail.byteOffset);
  return [16, 20].every((at) => view.getUint32(at) > 0 && view.getUint32(at) <= pictureSize);
}

async function withContents(
  { config, carried }: CheckedConfig,
  contents: ReadonlyMap<SourceName, Blob>,
): Promise<MachineConfig> {
  const whole: Record<string, unknown> = { ...config };
  for (const [name, described] of carried) {
    const blob = contents.get(name);
    if (!blob) throw badState(`"${name}" is missing in this state file.`);
    whole[name] = await sourceOf(blob, described);
  }
  return whole as unknown as MachineConfig;
}

async function sourceOf(blob: Blob, { kind, name, lastModifiedMs }: CarriedContents) {
  if (kind === 'bytes') return { bytes: new Uint8Array(await blob.arrayBuffer()) };
  return { file: new File([blob], name, { lastModified: lastModifiedMs }) };
}
