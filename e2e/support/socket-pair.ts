/** A server that joins two WebSockets: what one sends, the other receives. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket as RelaySocket, WebSocketServer } from 'ws';

export class SocketPairs {
  readonly #server: WebSocketServer;
  /** The first socket of a pair, and what it has sent so far. */
  #waiting: { socket: RelaySocket; sent: Buffer[] } | undefined;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket: RelaySocket) => this.#add(socket));
  }

  static async serve(): Promise<SocketPairs> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new SocketPairs(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Forgets a socket whose other one did not come. */
  reset(): void {
    this.#waiting?.socket.close();
    this.#waiting = undefined;
  }

  close(): void {
    this.#server.close();
  }

  #add(socket: RelaySocket): void {
    const first = this.#waiting;
    if (!first) {
      const sent: Buffer[] = [];
      this.#waiting = { socket, sent };
      socket.on('message', (data: Buffer) => sent.push(data));
      socket.on('close', () => {
        if (this.#waiting?.socket === socket) this.#waiting = undefined;
      });
      return;
    }
    this.#waiting = undefined;
    for (const data of first.sent) socket.send(data);
    first.socket.removeAllListeners('message');
    join(first.socket, socket);
    join(socket, first.socket);
  }
}

function join(from: RelaySocket, to: RelaySocket): void {
  from.on('message', (data: Buffer) => to.send(data));
  from.on('close', () => to.close());
  from.on('error', () => to.close());
}
