import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server with one file, which it sends up to a given position: downloads stop there. */
export class HeldFile {
  readonly contents = randomBytes(1024 * 1024);
  readonly sha256 = createHash('sha256').update(this.contents).digest('hex');
  requests = 0;
  readonly #server: Server;
  readonly #released = new EventEmitter();
  #releasedBytes = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      // Header that allows a page to read from another origin.
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('access-control-allow-headers', '*');
      response.setHeader('access-control-allow-private-network', 'true');
      if (request.method === 'OPTIONS') {
        response.end();
        return;
      }
      this.requests++;
      response.writeHead(200, { 'content-length': this.contents.length });
      let sent = 0;
      const sendMore = () => {
        if (sent < this.#releasedBytes)
          response.write(this.contents.subarray(sent, this.#releasedBytes));
        sent = this.#releasedBytes;
        if (sent === this.contents.length) response.end();
      };
      response.on('close', () => this.#released.off('more', sendMore));
      this.#released.on('more', sendMore);
      sendMore();
    });
  }

  static async serve(): Promise<HeldFile> {
    const file = new HeldFile();
    file.#server.listen(0, '127.0.0.1');
    await once(file.#server, 'listening');
    return file;
  }

  /** Sends more, up to this part of the file, 0 to 1. */
  release(part: number): void {
    this.#releasedBytes = Math.round(part * this.contents.length);
    this.#released.emit('more');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Aborts the transfers in progress. */
  breakOff(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
