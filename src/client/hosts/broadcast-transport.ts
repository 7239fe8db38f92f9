/** Two tabs of a site as a transport: a `BroadcastChannel` of a name that only they know. */
import type { Transport, TransportListener } from './transport.ts';

/** Announces an end. The other one answers an announcement that is no answer. */
interface Hello {
  hello: 'first' | 'answer';
}

interface Bye {
  bye: true;
}

export class BroadcastTransport implements Transport {
  readonly #channel: BroadcastChannel;
  /** The browser queues what it has not delivered yet, and reports nothing of it. */
  readonly isFlushed = true;
  /** The other end is there. */
  hasRoom = false;

  constructor(channel: BroadcastChannel) {
    this.#channel = channel;
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.#channel.postMessage(frame);
  }

  open({ received, room, gone }: TransportListener): void {
    this.#channel.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer> | Hello | Bye>) => {
      if (data instanceof Uint8Array) {
        received(data);
      } else if ('hello' in data) {
        if (data.hello === 'first') this.#tell({ hello: 'answer' });
        this.hasRoom = true;
        room();
      } else {
        gone('The other tab ended the migration.');
      }
    };
    this.#tell({ hello: 'first' });
  }

  close(): void {
    this.#channel.onmessage = null;
    this.#tell({ bye: true });
    this.#channel.close();
  }

  #tell(message: Hello | Bye): void {
    this.#channel.postMessage(message);
  }
}
