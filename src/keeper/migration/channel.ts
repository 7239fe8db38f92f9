/** A duplex channel of messages: what a migration needs of its transport. */
import type { ChannelEnd } from '../../protocol/migration.ts';
import { type Heartbeat, PeerLiveness } from '../../protocol/peer-liveness.ts';

/** Messages arrive once, whole and in order. Flow control is the link's, see link.ts. */
export interface MigrationChannel {
  /** Takes over the bytes. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Begins to deliver. `closed` is called at most once, with a reason if there is one, when nothing more can arrive. */
  open(receive: (message: unknown) => void, closed: (why?: string) => void): void;
  close(): void;
  /** True from {@link open} on. */
  readonly isOpen: boolean;
}

/** A channel over a MessagePort. It notices the end of the worker at the other end. */
export class PortChannel implements MigrationChannel {
  readonly #port: MessagePort;
  #life: PeerLiveness | undefined;
  #closed: (why?: string) => void = () => {};
  isOpen = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    this.#port.postMessage(message, [message.buffer]);
  }

  open(receive: (message: unknown) => void, closed: (why?: string) => void): void {
    this.#closed = closed;
    this.isOpen = true;
    const life = new PeerLiveness(this.#port, () => this.#end());
    this.#life = life;
    this.#port.onmessage = ({ data }: MessageEvent<Uint8Array | Heartbeat | ChannelEnd>) => {
      if (typeof data === 'object' && data !== null) life.received(data);
      if (isEnd(data)) this.#end(data.closed);
      else if (!isHeartbeat(data)) receive(data);
    };
    // In browsers with this event, the end is noticed at once.
    this.#port.addEventListener('close', () => this.#end());
  }

  close(): void {
    this.#closed = () => {};
    this.#life?.stop();
    // Not every browser has an event of a closed port.
    const end: ChannelEnd = { closed: '' };
    if (this.isOpen) this.#port.postMessage(end);
    this.#port.close();
  }

  #end(why?: string): void {
    this.#life?.stop();
    const closed = this.#closed;
    this.#closed = () => {};
    closed(why);
  }
}

const isHeartbeat = (data: unknown): data is Heartbeat =>
  Object(data).alive === true && !ArrayBuffer.isView(data);

const isEnd = (data: unknown): data is ChannelEnd =>
  typeof Object(data).closed === 'string' && !ArrayBuffer.isView(data);
