/** A server that no page may contact without its user's approval: it records every request. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class Stranger {
  /** `GET /path` of each request, WebSockets among them, since the beginning. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', ({ method, url }, response) => {
      this.requests.push(`${method} ${url}`);
      response.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end('console.log(1)');
    });
    server.on('upgrade', ({ url }, socket) => {
      this.requests.push(`UPGRADE ${url}`);
      socket.destroy();
    });
    // A client that only connects counts too.
    server.on('clientError', (_, socket) => {
      this.requests.push('no HTTP');
      socket.destroy();
    });
  }

  /** @param port 0 takes a free one */
  static async listen(port = 0): Promise<Stranger> {
    const server = createServer();
    await new Promise<void>((done, fail) => {
      server.once('error', fail).listen(port, '127.0.0.1', done);
    });
    return new Stranger(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From another origin than any site of the tests. */
  get url(): string {
    return `http://localhost:${this.port}/`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
