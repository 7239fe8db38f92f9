/**
 * v86 reads the answer to a request of the guest as fast as the server sends it, into memory, to its
 * end even when the guest has hung up, and does not notice when it breaks off. Here it reads as fast as
 * the guest does, and the guest's connection ends as the server's does.
 */
import { Exchange, type NetworkPatience } from './exchange.ts';

/** What waits for the guest per connection, in bytes, before the server has to wait. */
const bufferedLimit = 256 * 1024;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

interface PacedFetch {
  /** Takes the place of v86's own. */
  readonly fetch: Fetch;
  /** Resolves when there is room for more to a connection: with false when nobody wants it. */
  room(tuple: string): Promise<boolean>;
  /** Resolves when the guest has taken what waits for it, or does not within the time for that. */
  taken(connection: V86TcpConnection): Promise<void>;
  /** To be called around what v86 does with a frame of the guest. */
  during(frame: Uint8Array, process: () => void): void;
  /** To be called when connections may have ended. */
  look(): void;
  /** The guest sends no more on a connection. @returns whether it still waits for an answer */
  guestEnded(connection: V86TcpConnection): boolean;
}

interface PacedFetchOptions {
  connections(): Record<string, V86TcpConnection>;
  /** Tells the guest that a connection has broken. */
  reset(connection: V86TcpConnection): void;
  patience: NetworkPatience;
}

export function pacedFetch({ connections, reset, patience }: PacedFetchOptions): PacedFetch {
  /** Whose frame v86 is looking at: it calls `fetch` right then. */
  let current: string | undefined;
  const waiting = new Set<() => void>();
  const exchanges = new Map<V86TcpConnection, Exchange>();
  const isOpen = (connection: V86TcpConnection) =>
    Object.values(connections()).includes(connection);

  /** Resolves with what `look` finds, as soon as it finds anything. */
  const until = <T>(look: () => T | undefined) =>
    new Promise<T>((resolve) => {
      const again = () => {
        const found = look();
        if (found === undefined) return;
        waiting.delete(again);
        resolve(found);
      };
      waiting.add(again);
      again();
    });

  const room = (tuple: string) =>
    until(() => {
      const connection = connections()[tuple];
      if (connection && connection.send_buffer.length >= bufferedLimit) return undefined;
      return connection !== undefined;
    });

  const taken = async (connection: V86TcpConnection) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      look();
    }, patience.takenMs);
    await until(() => {
      const isTaken = connection.send_buffer.length === 0 || !isOpen(connection);
      return isTaken || isLate ? true : undefined;
    });
    clearTimeout(timer);
  };

  const look = () => {
    for (const each of [...waiting]) each();
    for (const [connection, exchange] of exchanges) {
      if (isOpen(connection)) continue;
      exchanges.delete(connection);
      exchange.drop();
    }
  };

  return {
    room,
    taken,
    look,
    async fetch(url, init) {
      const tuple = current;
      const connection = tuple === undefined ? undefined : connections()[tuple];
      if (tuple === undefined || !connection) return fetch(url, init);
      const exchange = new Exchange(patience, () => reset(connection));
      exchanges.set(connection, exchange);
      const done = () => {
        exchanges.delete(connection);
        exchange.done();
      };
      try {
        const response = await fetch(url, { ...init, signal: exchange.signal });
        exchange.heard();
        if (!response.body) {
          done();
          return response;
        }
        const body = paced(response.body, {
          room: () => room(tuple),
          heard: () => exchange.heard(),
          done,
          async brokeOff() {
            await taken(connection);
            if (isOpen(connection)) reset(connection);
          },
        });
        // Not a new Response, which would have neither of the last two.
        const { status, statusText, headers, url: finalUrl, redirected } = response;
        return { status, statusText, headers, body, url: finalUrl, redirected } as Response;
      } catch (thrown) {
        done();
        // Nobody waits for it any more, and v86 would answer the guest all the same.
        if (exchange.signal.aborted) return new Promise(() => undefined);
        throw thrown;
      }
    },
    during(frame, process) {
      current = tupleOf(frame);
      try {
        process();
      } finally {
        current = undefined;
      }
      look();
    },
    guestEnded(connection) {
      const exchange = exchanges.get(connection);
      exchange?.guestEnded();
      return exchange !== undefined;
    },
  };
}

interface Pace {
  /** Resolves when there is room: with false when nobody wants more. */
  room(): Promise<boolean>;
  heard(): void;
  /** There is no more. */
  done(): void;
  /** The server sends no more, though there should be. */
  brokeOff(): Promise<void>;
}

function paced(
  body: ReadableStream<Uint8Array>,
  { room, heard, done, brokeOff }: Pace,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const read = async () => {
    try {
      const result = await reader.read();
      if (result.done) done();
      else heard();
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
        // v86 hears of no error: it closes a connection that is over already.
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

/** v86's name for the connection of a TCP segment: `GUEST:PORT:REMOTE:PORT`. */
function tupleOf(frame: Uint8Array): string | undefined {
  const ip = 14;
  const isTcp = frame[12] === 0x08 && frame[13] === 0 && frame[ip + 9] === 6;
  if (!isTcp || frame.length < 54) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset);
  const tcp = ip + (view.getUint8(ip) & 15) * 4;
  const address = (at: number) => frame.subarray(at, at + 4).join('.');
  return `${address(ip + 12)}:${view.getUint16(tcp)}:${address(ip + 16)}:${view.getUint16(tcp + 2)}`;
}
