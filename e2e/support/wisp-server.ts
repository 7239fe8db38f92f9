/** A wisp server that maps every address to this computer: a guest cannot name 127.0.0.1. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createConnection, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { logging, server as wisp } from '@mercuryworkshop/wisp-js/server';

interface WispServer {
  url: string;
  /** Cuts the connections of all browsers, like a server that restarts. */
  cut(): void;
  close(): void;
}

class LoopbackSocket {
  readonly #port: number;
  #socket: Socket | undefined;
  #data: AsyncIterator<Uint8Array> | undefined;

  constructor(_hostname: string, port: number) {
    this.#port = port;
  }

  async connect(): Promise<void> {
    this.#socket = createConnection(this.#port, '127.0.0.1');
    this.#data = this.#socket[Symbol.asyncIterator]();
    await once(this.#socket, 'connect');
  }

  async recv(): Promise<Uint8Array | undefined> {
    const next = await this.#data?.next().catch(() => undefined);
    return next?.done ? undefined : next?.value;
  }

  async send(data: Uint8Array): Promise<void> {
    this.#socket?.write(data);
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
  }

  // An iterator reads no further than requested.
  pause(): void {}
  resume(): void {}
}

export async function serveWisp(): Promise<WispServer> {
  Object.assign(wisp.options, { allow_loopback_ips: true, allow_private_ips: true });
  logging.set_level(logging.ERROR);
  const sockets = new Set<Duplex>();
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    wisp.routeRequest(request, socket, head, { TCPSocket: LoopbackSocket });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `wisp://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    cut,
    close() {
      cut();
      server.close();
    },
  };
}
