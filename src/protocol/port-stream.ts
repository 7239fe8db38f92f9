/**
 * A stream of items over a MessagePort, with flow control: the sender waits until the receiver has
 * room. Each end notices when the other one is gone, which a MessagePort does not report.
 */
import { HoldfastError } from '../errors.ts';
import { type Heartbeat, PeerLiveness } from './peer-liveness.ts';
import { fromWireError, toWireError, type WireError } from './wire-error.ts';

type FromSender<T> = { item: T } | { end: true } | { error: WireError } | Heartbeat;
type FromReceiver = { take: number; knows?: readonly string[] } | { cancel: WireError } | Heartbeat;

/** Items in transit at a time, unless the receiver sets another number. */
const usualWindow = 4;

const gone = () =>
  new HoldfastError('cancelled', 'The other end of the transfer is gone: its page was closed.');

/** The sending end. */
export class PortSender<T> {
  readonly #port: MessagePort;
  readonly #cancelled = new AbortController();
  readonly #life: PeerLiveness;
  #credit = 0;
  #known: readonly string[] = [];
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#life = new PeerLiveness(port, () => this.#cancel(gone()));
    port.onmessage = ({ data }: MessageEvent<FromReceiver>) => {
      this.#life.received(data);
      if ('take' in data) {
        this.#credit += data.take;
        if (data.knows) this.#known = data.knows;
      }
      if ('cancel' in data) this.#cancel(fromWireError(data.cancel));
      this.#wake?.();
    };
    // In browsers with this event, a page that was closed is noticed at once, not after the
    // silence.
    port.addEventListener('close', () => {
      if (!this.#isClosed) this.#cancel(gone());
    });
  }

  /** Aborts with a HoldfastError when the receiver cancels or is gone. */
  get signal(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** @throws HoldfastError with which the receiver cancelled */
  async send(item: T, transfer: Transferable[] = []): Promise<void> {
    await this.#room();
    this.#credit--;
    this.#port.postMessage({ item } satisfies FromSender<T>, transfer);
  }

  /**
   * Returns true if the receiver accepts items of this kind, which earlier releases do not.
   * @throws HoldfastError with which the receiver cancelled
   */
  async knows(kind: string): Promise<boolean> {
    await this.#room();
    return this.#known.includes(kind);
  }

  async #room(): Promise<void> {
    while (this.#credit === 0 && !this.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.signal.throwIfAborted();
  }

  end(): void {
    this.#close({ end: true });
  }

  fail(thrown: unknown): void {
    this.#close({ error: toWireError(thrown) });
  }

  #close(last: FromSender<T>): void {
    this.#isClosed = true;
    this.#life.stop();
    this.#port.postMessage(last);
    this.#port.close();
  }

  #cancel(reason: HoldfastError): void {
    this.#life.stop();
    this.#cancelled.abort(reason);
    this.#wake?.();
  }
}

/** The receiving end. Iteration takes items; leaving the loop cancels. */
export class PortReceiver<T> implements AsyncIterable<T> {
  readonly #port: MessagePort;
  readonly #life: PeerLiveness;
  readonly #items: T[] = [];
  #end: { error?: HoldfastError } | undefined;
  #wake: (() => void) | undefined;

  /**
   * @param knows kinds of items that receivers of earlier releases do not accept
   * @param window items in transit at a time
   */
  constructor(port: MessagePort, knows: readonly string[] = [], window = usualWindow) {
    this.#port = port;
    this.#life = new PeerLiveness(port, () => this.#finish({ error: gone() }));
    port.onmessage = ({ data }: MessageEvent<FromSender<T>>) => {
      this.#life.received(data);
      if ('item' in data) this.#items.push(data.item);
      else if ('end' in data) this.#finish({});
      else if ('error' in data) this.#finish({ error: fromWireError(data.error) });
      this.#wake?.();
    };
    port.addEventListener('close', () => {
      this.#finish({ error: gone() });
      this.#wake?.();
    });
    port.postMessage({ take: window, knows } satisfies FromReceiver);
  }

  /** @returns undefined at the end. @throws HoldfastError of the sender */
  async next(): Promise<T | undefined> {
    while (this.#items.length === 0 && !this.#end) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const item = this.#items.shift();
    if (item !== undefined) {
      if (!this.#end) this.#port.postMessage({ take: 1 } satisfies FromReceiver);
      return item;
    }
    if (this.#end?.error) throw this.#end.error;
    return undefined;
  }

  cancel(thrown: unknown): void {
    if (this.#end) return;
    this.#port.postMessage({ cancel: toWireError(thrown) } satisfies FromReceiver);
    this.#finish({ error: HoldfastError.from(thrown, 'cancelled', 'The transfer was given up') });
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (let item = await this.next(); item !== undefined; item = await this.next()) yield item;
    } finally {
      this.cancel(new HoldfastError('cancelled', 'The transfer was given up.'));
    }
  }

  #finish(end: { error?: HoldfastError }): void {
    this.#end ??= end;
    this.#life.stop();
    this.#wake?.();
  }
}

/** Returns a port's items as a stream of bytes. */
export function readableFrom(receiver: PortReceiver<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await receiver.next();
        if (bytes) controller.enqueue(bytes);
        else controller.close();
      },
      cancel: (reason) => receiver.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Sends a stream up to its end or error. */
export async function sendStream(
  stream: ReadableStream<Uint8Array>,
  sender: PortSender<Uint8Array>,
): Promise<void> {
  const reader = stream.getReader();
  sender.signal.addEventListener('abort', () => void reader.cancel().catch(() => {}));
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      await sender.send(value);
    }
    sender.end();
  } catch (thrown) {
    sender.fail(thrown);
    await reader.cancel(thrown).catch(() => {});
  }
}
