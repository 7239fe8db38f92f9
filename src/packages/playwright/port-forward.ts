/** A port of this computer, whose connections are forwarded into the guest. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import type { Page } from '@playwright/test';
import { callMachine } from './call-machine.ts';

export interface ForwardPortOptions {
  /** Port of this computer. Default: a free one. */
  hostPort?: number;
}

/** Connections of a test, in the page. */
interface ForwardWindow {
  holdfastForwards?: Map<
    number,
    {
      reader: ReadableStreamDefaultReader<Uint8Array>;
      writer: WritableStreamDefaultWriter<Uint8Array>;
      closed: Promise<void>;
      close(): void;
    }
  >;
}
declare const window: ForwardWindow & Window;

let connections = 0;

export class PortForward {
  readonly #server: Server;
  readonly #open = new Map<Socket, () => Promise<void>>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(
    page: () => Page,
    guestPort: number,
    { hostPort = 0 }: ForwardPortOptions,
  ): Promise<PortForward> {
    const server = createServer({ allowHalfOpen: true });
    const forward = new PortForward(server);
    server.on('connection', (socket) => forward.#serve(socket, page(), guestPort));
    server.listen(hostPort, '127.0.0.1');
    await once(server, 'listening');
    return forward;
  }

  /** Port of this computer. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:PORT/`, for HTTP clients. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const [socket, forgetIt] of this.#open) {
      socket.destroy();
      await forgetIt().catch(() => {});
    }
    await closed;
  }

  async #serve(socket: Socket, page: Page, guestPort: number): Promise<void> {
    const id = connections++;
    this.#open.set(socket, () => forget(page, id));
    // A broken connection has ended. Its error needs no report.
    socket.on('error', () => socket.destroy());
    try {
      await connect(page, id, guestPort);
      await Promise.all([sendAll(page, id, socket), receiveAll(page, id, socket)]);
      // Sent bytes may still be on their way into the guest.
      await page.evaluate((connection) => window.holdfastForwards?.get(connection)?.closed, id);
    } catch {
      // A connection that the guest refuses or resets also resets the host's socket. So does a page that
      // is gone.
      socket.resetAndDestroy();
    } finally {
      this.#open.delete(socket);
      await forget(page, id).catch(() => {});
    }
  }
}

function connect(page: Page, id: number, guestPort: number): Promise<void> {
  return callMachine(
    page,
    async (machine, [connection, port]) => {
      const { readable, writable, closed, close } = await machine.connectTcp(port);
      window.holdfastForwards ??= new Map();
      window.holdfastForwards.set(connection, {
        reader: readable.getReader(),
        writer: writable.getWriter(),
        closed,
        close,
      });
    },
    [id, guestPort] as const,
  );
}

async function sendAll(page: Page, id: number, socket: Socket): Promise<void> {
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    await page.evaluate(
      async ([connection, base64]) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        await window.holdfastForwards?.get(connection)?.writer.write(bytes);
      },
      [id, (chunk as Buffer).toString('base64')] as const,
    );
  }
  // The guest may have closed it already: then there is no receiver.
  await page.evaluate(
    (connection) =>
      window.holdfastForwards
        ?.get(connection)
        ?.writer.close()
        .catch(() => {}),
    id,
  );
}

async function receiveAll(page: Page, id: number, socket: Socket): Promise<void> {
  for (;;) {
    const base64 = await page.evaluate(async (connection) => {
      const { done, value } = (await window.holdfastForwards?.get(connection)?.reader.read()) ?? {};
      if (done !== false || !value) return undefined;
      return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(''));
    }, id);
    if (base64 === undefined) break;
    if (!socket.write(Buffer.from(base64, 'base64'))) await once(socket, 'drain');
  }
  socket.end();
}

function forget(page: Page, id: number): Promise<void> {
  return page.evaluate((connection) => {
    window.holdfastForwards?.get(connection)?.close();
    window.holdfastForwards?.delete(connection);
  }, id);
}
