/** A separate origin for tests of the store: an empty page, and the lab as a script. */
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class LabServer {
  readonly #server: Server;
  readonly #windows = new EventEmitter();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async serve(script: string): Promise<LabServer> {
    const server = createServer();
    const lab = new LabServer(server);
    server.on('request', (request, response) => {
      if (request.url === '/window') {
        // Not answered: the browser that asks will be killed.
        lab.#windows.emit('reached');
      } else if (request.url === '/lab.js') {
        // From pages without an origin, too.
        response.setHeader('access-control-allow-origin', '*');
        response.setHeader('content-type', 'text/javascript').end(script);
      } else {
        response.setHeader('content-type', 'text/html').end('<!doctype html><title>lab</title>');
      }
    });
    await new Promise<void>((done, fail) => {
      server.once('error', fail).listen(0, '127.0.0.1', done);
    });
    return lab;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Resolves the next time a worker stops at its crash window. */
  async windowReached(): Promise<void> {
    await once(this.#windows, 'reached');
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }
}
