/** A server of one state file on another origin, with ranges, as slow as a test wants. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Shape {
  /** Limit of all answers together. Default: none. */
  bitsPerSecond?: number;
  /** Before each answer. */
  delayMs?: number;
  etag?: string;
  /** Answers with this status, and nothing else. */
  status?: number | undefined;
  /** Bytes at which answers stop until {@link ShapedServer.shape} is called again, from now on. */
  mostBytes?: number | undefined;
}

const chunkBytes = 16 << 10;

export class ShapedServer {
  contents: Uint8Array;
  readonly #server: Server;
  #shape: Shape;
  #freeAtMs = 0;
  #sentOfShape = 0;
  #held: (() => void)[] = [];
  /** Bytes of the file that were sent. */
  sentBytes = 0;
  requests = 0;

  private constructor(server: Server, contents: Uint8Array, shape: Shape) {
    this.#server = server;
    this.contents = contents;
    this.#shape = shape;
  }

  static async serve(contents: Uint8Array, shape: Shape = {}): Promise<ShapedServer> {
    const server = createServer();
    const shaped = new ShapedServer(server, contents, shape);
    server.on('request', (request, response) => void shaped.#answer(request, response));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return shaped;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/state`;
  }

  shape(change: Shape): void {
    this.#shape = { ...this.#shape, ...change };
    this.#sentOfShape = 0;
    this.#freeAtMs = 0;
    for (const go of this.#held.splice(0)) go();
  }

  async close(): Promise<void> {
    for (const go of this.#held.splice(0)) go();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Expose-Headers', 'content-range, etag');
    const { delayMs = 0, etag = '"1"', status } = this.#shape;
    await pause(delayMs);
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    response.setHeader('ETag', etag);
    const bytes = this.contents;
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const begin = Number(from ?? 0);
    const end = Math.min(Number(to ?? bytes.length) + 1, bytes.length);
    if (from !== undefined) {
      const range = `bytes ${begin}-${end - 1}/${bytes.length}`;
      response.writeHead(206, { 'Content-Range': range, 'Content-Length': end - begin });
    } else response.writeHead(200, { 'Content-Length': bytes.length });
    for (let at = begin; at < end; at += chunkBytes) {
      const chunk = bytes.subarray(at, Math.min(at + chunkBytes, end));
      await this.#mayCome(chunk.length);
      if (response.destroyed) return;
      response.write(chunk);
      this.sentBytes += chunk.length;
    }
    response.end();
  }

  /** Resolves when the line has room for these bytes. */
  async #mayCome(bytes: number): Promise<void> {
    const { mostBytes = Number.POSITIVE_INFINITY } = this.#shape;
    while (this.#sentOfShape + bytes > (this.#shape.mostBytes ?? mostBytes))
      await new Promise<void>((go) => this.#held.push(go));
    this.#sentOfShape += bytes;
    const { bitsPerSecond } = this.#shape;
    if (bitsPerSecond === undefined) return;
    const now = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, now) + (bytes * 8_000) / bitsPerSecond;
    await pause(this.#freeAtMs - now);
  }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
