/**
 * v86 reads the answer to a request of the guest as fast as the server sends it, into memory, and to
 * its end even when the guest has hung up. Here it reads as fast as the guest does.
 */

/** What waits for the guest per connection, in bytes, before the server has to wait. */
const bufferedLimit = 256 * 1024;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface PacedFetch {
  /** Takes the place of v86's own. */
  readonly fetch: Fetch;
  /** Resolves when there is room for more to a connection: with false when nobody wants it. */
  room(tuple: string): Promise<boolean>;
  /** To be called around what v86 does with a frame of the guest. */
  during(frame: Uint8Array, process: () => void): void;
}

export function pacedFetch(connections: () => Record<string, V86TcpConnection>): PacedFetch {
  /** Whose frame v86 is looking at: it calls `fetch` right then. */
  let current: string | undefined;
  const waiting = new Set<() => void>();

  const room = (tuple: string) =>
    new Promise<boolean>((resolve) => {
      const look = () => {
        const connection = connections()[tuple];
        if (connection && connection.send_buffer.length >= bufferedLimit) return;
        waiting.delete(look);
        resolve(connection !== undefined);
      };
      waiting.add(look);
      look();
    });

  return {
    room,
    async fetch(url, init) {
      const tuple = current;
      const response = await fetch(url, init);
      if (tuple === undefined || !response.body) return response;
      const body = paced(response.body, () => room(tuple));
      // Not a new Response, which would have neither of the last two.
      const { status, statusText, headers, url: finalUrl, redirected } = response;
      return { status, statusText, headers, body, url: finalUrl, redirected } as Response;
    },
    during(frame, process) {
      current = tupleOf(frame);
      try {
        process();
      } finally {
        current = undefined;
      }
      for (const look of [...waiting]) look();
    },
  };
}

/** @param mayRead resolves when there is room: with false when nobody wants more */
function paced(
  body: ReadableStream<Uint8Array>,
  mayRead: () => Promise<boolean>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const source: UnderlyingDefaultSource<Uint8Array> = {
    async pull(controller) {
      if (!(await mayRead())) {
        controller.close();
        await reader.cancel();
        return;
      }
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
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
