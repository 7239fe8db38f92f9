import { connect, type Socket } from 'node:net';

/** Clients that hold a connection and move just enough data not to count as stalled. */
export interface SlowClients {
  /** Number of open connections. */
  readonly held: number;
  end(): void;
}

/** More than the server requires in a minute (16 KiB), by a small margin. */
const bytesPerSecond = 1024;
const bodyBytes = 8 * 1024 * 1024;

/**
 * Half of them upload and half of them download, each from a separate address.
 * @param url of the server or its proxy, ends in `/states/`
 * @param id a state of some MiB, so that answers do not fit into buffers on the way
 */
export async function holdSlowClients(
  url: string,
  id: string,
  count: number,
): Promise<SlowClients> {
  const { hostname, port, host } = new URL(url);
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();

  function open(lines: string[]): Socket {
    const socket = connect(Number(port), hostname);
    socket.write(`${[...lines, `Host: ${host}`].join('\r\n')}\r\n\r\n`);
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    return socket;
  }

  async function upload(address: string): Promise<void> {
    const created = await fetch(new URL('uploads', url), {
      method: 'POST',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': String(bodyBytes),
        'x-client': address,
      },
    });
    if (created.status !== 201) throw new Error(`${created.status}: ${await created.text()}`);
    const { pathname } = new URL(created.headers.get('location') ?? '', url);
    const socket = open([
      `PATCH ${pathname} HTTP/1.1`,
      'Tus-Resumable: 1.0.0',
      'Upload-Offset: 0',
      'Content-Type: application/offset+octet-stream',
      `Content-Length: ${bodyBytes}`,
      `X-Client: ${address}`,
    ]);
    const chunk = Buffer.alloc(bytesPerSecond);
    socket.write(chunk);
    timers.add(setInterval(() => socket.write(chunk), 1000));
  }

  async function download(address: string): Promise<void> {
    const socket = open([`GET /states/${id} HTTP/1.1`, `X-Client: ${address}`]);
    await new Promise<void>((done, fail) => {
      socket.once('readable', done).once('close', () => fail(new Error('No answer.')));
    });
    timers.add(setInterval(() => socket.read(bytesPerSecond), 1000));
  }

  for (let client = 0; client < count; client++) {
    const address = `10.0.${client >> 8}.${client & 255}`;
    if (client % 2 === 0) await download(address);
    else await upload(address);
  }
  return {
    get held() {
      return sockets.size;
    },
    end() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}
