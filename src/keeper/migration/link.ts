/** One end of a migration's channel: numbered messages with digests, and flow control. */
import { HoldfastError } from '../../errors.ts';
import { fromWireError, toWireError } from '../../protocol/wire-error.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { xxh64 } from '../cpr/digest.ts';
import type { MigrationChannel } from './channel.ts';
import {
  decodeMessage,
  encodeMessage,
  largestMessageBytes,
  type Message,
  type MessageKind,
} from './message.ts';

/** Most bytes that were sent and not taken yet. A message may exceed it if it is alone. */
export const windowBytes = 8 * 1024 * 1024;
/** [MS6] Messages that wait to be taken. The window holds far fewer. */
const mostWaiting = 4096;
/** Time over which the limit of bandwidth is kept, ms. */
const paceMs = 50;

const gone = (why?: string) =>
  new HoldfastError('migration-failed', why || 'The other end of the migration is gone.');

export class MigrationLink {
  readonly #channel: MigrationChannel;
  readonly #digest: Digest;
  readonly #over = new AbortController();
  readonly #waiting: Message[] = [];
  #waitingBytes = 0;
  #sent = 0;
  #received = 0;
  #inFlight = 0;
  #wake: (() => void) | undefined;
  #arrived: (() => void) | undefined;
  /** Time at which the bytes sent so far are within {@link maxBandwidth}. */
  #freeAtMs = 0;
  sentBytes = 0;
  /** Time that {@link send} has waited for the other end, ms. */
  waitedMs = 0;
  /** The other end gave up: it does not run the guest. */
  wasCancelled = false;
  /** Bytes a second; 0: no limit. */
  maxBandwidth = 0;

  constructor(channel: MigrationChannel, digest: Digest) {
    this.#channel = channel;
    this.#digest = digest;
    channel.open(
      (message) => this.#receive(message),
      (why) => this.#end(gone(why)),
    );
  }

  /** Aborts with a HoldfastError when the other end cancels, is gone or breaks the rules. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Sends without regard to flow control. @throws HoldfastError of {@link signal} */
  post(kind: MessageKind, body: Uint8Array = new Uint8Array()): void {
    this.signal.throwIfAborted();
    const message = encodeMessage(kind, this.#sent++, body, this.#digest);
    this.sentBytes += message.length;
    this.#channel.send(message);
  }

  /** Sends data once the other end has room. @throws HoldfastError of {@link signal} */
  async send(kind: MessageKind, body: Uint8Array): Promise<void> {
    const beganMs = performance.now();
    await this.#paced(body.length);
    while (this.#inFlight > 0 && this.#inFlight + body.length > windowBytes) {
      this.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.waitedMs += performance.now() - beganMs;
    this.#inFlight += body.length;
    this.post(kind, body);
  }

  /** Resolves when everything that was sent was taken. @throws HoldfastError of {@link signal} */
  async drained(): Promise<void> {
    while (this.#inFlight > 0) {
      this.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.signal.throwIfAborted();
  }

  /**
   * Resolves with the next message, of one of these kinds.
   * @throws HoldfastError of {@link signal}, `migration-failed` for another kind
   */
  async receive<K extends MessageKind>(...expected: K[]): Promise<Message & { kind: K }> {
    while (this.#waiting.length === 0) {
      this.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    const message = this.#waiting.shift() as Message;
    this.#waitingBytes -= message.body.length;
    if ((expected as MessageKind[]).includes(message.kind)) return message as Message & { kind: K };
    const error = new HoldfastError(
      'migration-failed',
      `The other end of the migration sent "${message.kind}" where "${expected.join('" or "')}" is due.`,
    );
    this.cancel(error);
    throw error;
  }

  /**
   * Like {@link receive}, with a limit. The link stays open afterwards.
   * @throws HoldfastError `migration-failed`, with what the end of the limit means
   */
  async receiveWithin<K extends MessageKind>(
    limitMs: number,
    expected: K,
    meaning: string,
  ): Promise<Message & { kind: K }> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new HoldfastError('migration-failed', meaning)), limitMs);
    });
    const received = this.receive(expected);
    received.catch(() => {});
    try {
      return await Promise.race([received, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Returns the credit for data of this size: it was taken. */
  took(bytes: number): void {
    if (this.signal.aborted) return;
    const body = new Uint8Array(4);
    new DataView(body.buffer).setUint32(0, bytes, true);
    this.post('took', body);
  }

  /** Tells the other end why this one gives up. */
  cancel(thrown: unknown): void {
    if (this.signal.aborted) return;
    const error = HoldfastError.from(thrown, 'cancelled', 'The migration was given up');
    try {
      this.post('cancel', new TextEncoder().encode(JSON.stringify(toWireError(error))));
    } catch (second) {
      console.warn('The other end of a migration could not be told that it ended:', second);
    }
    this.#end(error);
  }

  /** Ends the link after the last message. */
  close(): void {
    this.#end(gone());
  }

  async #paced(bytes: number): Promise<void> {
    if (this.maxBandwidth === 0) return;
    const nowMs = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (bytes / this.maxBandwidth) * 1000;
    const waitMs = this.#freeAtMs - nowMs - paceMs;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  #receive(data: unknown): void {
    if (this.signal.aborted) return;
    try {
      if (!(data instanceof Uint8Array) || !(data.buffer instanceof ArrayBuffer))
        throw new HoldfastError('migration-failed', 'What arrived is no message of a migration.');
      const bytes = data as Uint8Array<ArrayBuffer>;
      const message = decodeMessage(bytes, this.#received++, this.#digest);
      this.#take(message);
    } catch (thrown) {
      this.cancel(thrown);
    }
  }

  #take(message: Message): void {
    const { kind, body } = message;
    if (kind === 'cancel') {
      this.wasCancelled = true;
      this.#end(readError(body));
      return;
    }
    if (kind === 'took') {
      const bytes =
        body.length === 4 ? new DataView(body.buffer, body.byteOffset).getUint32(0, true) : 0;
      this.#inFlight = Math.max(0, this.#inFlight - bytes);
      this.#wake?.();
      return;
    }
    this.#waitingBytes += body.length;
    const isFlood =
      this.#waitingBytes > windowBytes + largestMessageBytes || this.#waiting.length >= mostWaiting;
    if (isFlood)
      throw new HoldfastError(
        'migration-failed',
        'The other end sends more than there is room for.',
      );
    this.#waiting.push(message);
    this.#arrived?.();
  }

  #end(error: HoldfastError): void {
    if (this.signal.aborted) return;
    this.#over.abort(error);
    this.#channel.close();
    this.#wake?.();
    this.#arrived?.();
  }
}

/** Tells the other end of a channel that was never used why nothing comes. */
export async function turnAway(channel: MigrationChannel, thrown: unknown): Promise<void> {
  if (channel.isOpen) return;
  const { h64Raw } = await xxh64();
  new MigrationLink(channel, h64Raw).cancel(thrown);
}

/** An error of the other end, which may be anything. */
function readError(body: Uint8Array): HoldfastError {
  try {
    const text = new TextDecoder().decode(body.subarray(0, 16_384));
    return fromWireError(JSON.parse(text));
  } catch {
    return new HoldfastError('migration-failed', 'The other end gave the migration up.');
  }
}
