import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Behaviour of a {@link DiskServer} from now on. */
interface Behaviour {
  /** Before each answer. */
  delayMs?: number;
  /** Answers wait until this is no longer set. */
  hold?: boolean;
  /** In place of the bytes. */
  status?: number;
  etag?: string;
}

/** A disk image on a web server of another origin, which answers range requests. */
export class DiskServer {
  readonly contents: Uint8Array;
  readonly #server: Server;
  readonly #held: (() => void)[] = [];
  #behaviour: Behaviour = {};
  /** Ranges requested since the beginning. */
  readonly requests: { start: number; end: number }[] = [];

  private constructor(server: Server, contents: Uint8Array) {
    this.#server = server;
    this.contents = contents;
  }

  static async serve(contents: Uint8Array, behaviour: Behaviour = {}): Promise<DiskServer> {
    const server = createServer();
    const disk = new DiskServer(server, contents);
    disk.behave(behaviour);
    server.on('request', (request, response) => disk.#answer(request, response));
    await new Promise<void>((done, fail) => {
      server.once('error', fail).listen(0, '127.0.0.1', done);
    });
    return disk;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/disk.img`;
  }

  get sha256(): string {
    return createHash('sha256').update(this.contents).digest('hex');
  }

  /** Requests that wait for an answer. */
  get held(): number {
    return this.#held.length;
  }

  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
    if (!behaviour.hold) for (const answer of this.#held.splice(0)) answer();
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cors = {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'range',
      'access-control-expose-headers': 'content-range, etag',
    };
    if (request.method === 'OPTIONS') {
      response.writeHead(204, cors).end();
      return;
    }
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const start = Number(match?.[1] ?? 0);
    const end = match ? Math.min(Number(match[2]) + 1, this.contents.length) : this.contents.length;
    this.requests.push({ start, end });
    if (this.#behaviour.hold) await new Promise<void>((go) => this.#held.push(go));
    const { delayMs = 0, status = match ? 206 : 200, etag = '"1"' } = this.#behaviour;
    if (delayMs) await new Promise((go) => setTimeout(go, delayMs));
    response.writeHead(status, {
      ...cors,
      etag,
      ...(status === 206 && {
        'content-range': `bytes ${start}-${end - 1}/${this.contents.length}`,
      }),
    });
    response.end(status < 300 ? this.contents.subarray(start, end) : '');
  }
}

/** Returns bytes without zeros and without repetitions nearby, the same ones for a seed. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    words[i] = Math.imul(state ^ (state >>> 15), 0x85ebca6b);
  }
  return new Uint8Array(words.buffer, 0, length);
}
