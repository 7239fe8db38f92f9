/**
 * Reads the answer to a guest's request at the guest's pace. Plain v86 reads it into memory as
 * fast as the server sends it. It reads on if the guest has closed the connection. It does not notice
 * an answer that breaks off. Here backpressure reaches the server, and the guest's connection ends
 * as the server's does.
 */
import { Exchange, type NetworkPatience } from './exchange.ts';

/**
 * Largest size of waiting data for the guest per connection, in bytes, before the server must wait.
 */
const bufferedLimit = 256 * 1024;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

interface PacedFetchOptions {
  connections(): Record<string, V86TcpConnection>;
  /** Notifies the guest that a connection has broken. */
  reset(connection: V86TcpConnection): void;
  patience: NetworkPatience;
}

export class PacedFetch {
  readonly #options: PacedFetchOptions;
  /** The connection of the frame that v86 is processing, during which it calls `fetch`. */
  #current: string | undefined;
  /** Waits of {@link #until}, which {@link look} tries again. */
  readonly #waiting = new Set<() => void>();
  readonly #exchanges = new Map<V86TcpConnection, Exchange>();

  constructor(options: PacedFetchOptions) {
    this.#options = options;
  }

  /** Replaces v86's own `fetch`. Bound to the object. */
  readonly fetch: Fetch = async (url, init) => {
    const tuple = this.#current;
    const connection = tuple === undefined ? undefined : this.#options.connections()[tuple];
    if (tuple === undefined || !connection) return fetch(url, init);
    const { patience, reset } = this.#options;
    const exchange = new Exchange(patience, () => reset(connection));
    this.#exchanges.set(connection, exchange);
    const done = () => {
      this.#exchanges.delete(connection);
      exchange.done();
    };
    try {
      const response = await fetch(url, { ...init, signal: exchange.signal });
      exchange.received();
      if (!response.body) {
        done();
        return response;
      }
      const body = paced(response.body, {
        room: () => this.room(tuple),
        received: () => exchange.received(),
        done,
        brokeOff: async () => {
          await this.taken(connection);
          if (this.#isOpen(connection)) reset(connection);
        },
      });
      return withBody(response, body);
    } catch (thrown) {
      done();
      // The guest is gone, and v86 would still answer it.
      if (exchange.signal.aborted) return new Promise(() => undefined);
      throw thrown;
    }
  };

  /** Resolves when a connection has room for more: with false if it is gone. */
  room(tuple: string): Promise<boolean> {
    return this.#until(() => {
      const connection = this.#options.connections()[tuple];
      if (connection && connection.send_buffer.length >= bufferedLimit) return undefined;
      return connection !== undefined;
    });
  }

  /** Resolves when the guest has taken its waiting data, or after a limited time. */
  async taken(connection: V86TcpConnection): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.look();
    }, this.#options.patience.takenMs);
    await this.#until(() => {
      const isTaken = connection.send_buffer.length === 0 || !this.#isOpen(connection);
      return isTaken || isLate ? true : undefined;
    });
    clearTimeout(timer);
  }

  /** Call this around v86's processing of a guest's frame. */
  during(frame: Uint8Array, process: () => void): void {
    this.#current = tupleOf(frame);
    try {
      process();
    } finally {
      this.#current = undefined;
    }
    this.look();
  }

  /** Call this when connections may have ended. */
  look(): void {
    for (const again of [...this.#waiting]) again();
    for (const [connection, exchange] of this.#exchanges) {
      if (this.#isOpen(connection)) continue;
      this.#exchanges.delete(connection);
      exchange.drop();
    }
  }

  /**
   * Records that the guest sends no more on a connection. @returns true if it still waits for an
   * answer
   */
  guestEnded(connection: V86TcpConnection): boolean {
    const exchange = this.#exchanges.get(connection);
    exchange?.guestEnded();
    return exchange !== undefined;
  }

  #isOpen(connection: V86TcpConnection): boolean {
    return Object.values(this.#options.connections()).includes(connection);
  }

  /** Resolves with the first result of `find` that is not undefined. */
  #until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const again = () => {
        const found = find();
        if (found === undefined) return;
        this.#waiting.delete(again);
        resolve(found);
      };
      this.#waiting.add(again);
      again();
    });
  }
}

/** Returns a response with another body. `new Response` would lack `url` and `redirected`. */
function withBody(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { status, statusText, headers, url, redirected } = response;
  return { status, statusText, headers, body, url, redirected } as Response;
}

interface Pace {
  /** Resolves when there is room: with false if the connection is gone. */
  room(): Promise<boolean>;
  received(): void;
  /** Called at the end of the answer. */
  done(): void;
  /** Called when the answer breaks off. */
  brokeOff(): Promise<void>;
}

function paced(
  body: ReadableStream<Uint8Array>,
  { room, received, done, brokeOff }: Pace,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const read = async () => {
    try {
      const result = await reader.read();
      if (result.done) done();
      else received();
      return result.value;
    } catch {
      done();
      await brokeOff();
      return undefined;
    }
  };
  const source: UnderlyingDefaultSource<Uint8Array> = {
    async pull(controller) {
      if (await room()) {
        const bytes = await read();
        // v86 gets no error: it closes a connection that is already over.
        if (bytes) controller.enqueue(bytes);
        else controller.close();
        return;
      }
      done();
      controller.close();
      await reader.cancel().catch(() => undefined);
    },
    cancel: (reason) => reader.cancel(reason),
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

/** Returns v86's name for the connection of a TCP segment: `GUEST:PORT:REMOTE:PORT`. */
function tupleOf(frame: Uint8Array): string | undefined {
  const ip = 14;
  const isTcp = frame[12] === 0x08 && frame[13] === 0 && frame[ip + 9] === 6;
  if (!isTcp || frame.length < 54) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset);
  const tcp = ip + (view.getUint8(ip) & 15) * 4;
  const address = (at: number) => frame.subarray(at, at + 4).join('.');
  return `${address(ip + 12)}:${view.getUint16(tcp)}:${address(ip + 16)}:${view.getUint16(tcp + 2)}`;
}
