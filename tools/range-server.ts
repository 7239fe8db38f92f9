/**
 * A server of one file in a thread of its own: tests of requests that block would block a server of
 * their thread as well.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

interface Served {
  bytes?: Uint8Array;
  etag?: string;
  /** Answers every request with this status. 0: none is answered. */
  status?: number | undefined;
}

const serverScript = `
const { parentPort, workerData } = require('node:worker_threads');
let served = workerData;
let requests = [];
const server = require('node:http').createServer((request, response) => {
  const { range = '' } = request.headers;
  requests.push(range);
  if (served.status === 0) return;
  if (served.status !== undefined) return response.writeHead(served.status).end();
  const [, from, to] = /^bytes=(\\d+)-(\\d+)$/.exec(range) ?? [];
  const bytes = served.bytes;
  if (served.etag) response.setHeader('ETag', served.etag);
  response.setHeader('Access-Control-Allow-Origin', '*');
  if (from === undefined) return response.end(bytes);
  if (Number(from) >= bytes.length) return response.writeHead(416).end();
  const last = Math.min(Number(to), bytes.length - 1);
  response.writeHead(206, { 'Content-Range': 'bytes ' + from + '-' + last + '/' + bytes.length });
  response.end(bytes.subarray(Number(from), last + 1));
});
server.listen(workerData.port ?? 0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
parentPort.on('message', (change) => {
  if (change === 'requests') return parentPort.postMessage(requests.splice(0));
  served = { ...served, ...change };
  parentPort.postMessage('done');
});
`;

export class RangeServer {
  readonly url: string;
  readonly #thread: Worker;

  private constructor(url: string, thread: Worker) {
    this.url = url;
    this.#thread = thread;
  }

  static async start(served: Served, port?: number): Promise<RangeServer> {
    const thread = new Worker(serverScript, { eval: true, workerData: { ...served, port } });
    const [found] = await once(thread, 'message');
    return new RangeServer(`http://127.0.0.1:${found}/state`, thread);
  }

  async set(served: Served): Promise<void> {
    await this.#ask(served);
  }

  /** Returns the ranges that were requested since the last call. */
  async requests(): Promise<string[]> {
    return (await this.#ask('requests')) as string[];
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }

  async #ask(message: unknown): Promise<unknown> {
    this.#thread.postMessage(message);
    const [answer] = await once(this.#thread, 'message');
    return answer;
  }
}

const requestScript = `
const [url, range, timeout] = process.argv.slice(1);
fetch(url, { headers: { range }, signal: AbortSignal.timeout(Number(timeout)) })
  .then(async (response) => {
    const body = Buffer.from(await response.arrayBuffer()).toString('base64');
    console.log(JSON.stringify({ status: response.status, headers: [...response.headers], body }));
  })
  .catch(() => process.exit(1));
`;

/** A synchronous XMLHttpRequest, made by a process that the thread waits for. */
class BlockingRequest {
  status = 0;
  response: ArrayBuffer | undefined;
  timeout = 0;
  #url = '';
  #range = '';
  #headers = new Headers();

  open(_method: string, url: string): void {
    this.#url = url;
  }

  setRequestHeader(_name: string, value: string): void {
    this.#range = value;
  }

  send(): void {
    const given = [this.#url, this.#range, String(this.timeout)];
    const { status, stdout } = spawnSync(process.execPath, ['-e', requestScript, ...given], {
      maxBuffer: 64 << 20,
      encoding: 'utf8',
    });
    if (status !== 0) throw new TypeError('The request failed.');
    const answer = JSON.parse(stdout) as {
      status: number;
      headers: [string, string][];
      body: string;
    };
    this.status = answer.status;
    this.#headers = new Headers(answer.headers);
    this.response = Uint8Array.from(Buffer.from(answer.body, 'base64')).buffer;
  }

  getResponseHeader(name: string): string | null {
    return this.#headers.get(name);
  }
}

/** Adds the globals of a worker that a request needs. @returns removes them */
export function addBlockingRequest(): () => void {
  const globals = { XMLHttpRequest: BlockingRequest, location: new URL('http://localhost/') };
  Object.assign(globalThis, globals);
  return () => {
    for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name);
  };
}
