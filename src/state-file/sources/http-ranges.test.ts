import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { share, startServer } from '../../server/testing/server.ts';
import { type Codec, loadCodec } from '../format/codec.ts';
import { packPages } from '../format/state-limits.ts';
import { StateFileReader } from '../state-file-reader.ts';
import { StateReader } from '../state-reader.ts';
import { cut, items, page, write } from '../testing/guest.ts';
import type { FetchedState } from './fetch-state.ts';
import { HttpRanges } from './http-ranges.ts';
import { BlobRanges } from './range-source.ts';

let codec: Codec;
let file: Buffer;
beforeAll(async () => {
  codec = await loadCodec();
  const noise = new Map(
    Array.from({ length: 400 }, (_, i) => [i, crypto.getRandomValues(page(i))]),
  );
  file = Buffer.from((await write([items(noise)], codec, { hot: [1, 2, 3] })).bytes);
});

interface Served {
  /** Absent: the server sends no ranges. */
  ranges?: boolean;
  etag?: () => string;
  headers?: Record<string, string>;
  /** Replaces the bytes of an answer, not its headers. */
  body?: (bytes: Buffer) => Buffer;
  content?: () => Buffer;
}

let server: Server | undefined;
const requests: string[] = [];
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  requests.length = 0;
});

async function serve({
  ranges = true,
  etag,
  headers = {},
  body = (bytes) => bytes,
  content = () => file,
}: Served): Promise<string> {
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { range = '' } = request.headers;
    requests.push(range);
    const bytes = content();
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (etag) response.setHeader('ETag', etag());
    if (!ranges || from === undefined) {
      response.end(body(bytes));
      return;
    }
    if (Number(from) >= bytes.length) {
      response.writeHead(416).end();
      return;
    }
    const last = Math.min(Number(to), bytes.length - 1);
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${last}/${bytes.length}` });
    response.end(body(bytes.subarray(Number(from), last + 1)));
  };
  const listening = createServer(answer);
  server = listening;
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/state`;
}

const openUrl = (url: string) => HttpRanges.open(url, { stallMs: 5_000 });

async function ranges(url: string): Promise<HttpRanges> {
  const source = await openUrl(url);
  if (!(source instanceof HttpRanges)) throw new Error('The server sends no ranges.');
  return source;
}

async function streamed(source: HttpRanges | FetchedState): Promise<void> {
  if (source instanceof HttpRanges) throw new Error('The server sends ranges.');
  const reader = await StateReader.open(source.bytes, codec);
  for await (const _ of reader.items());
  expect(reader.digest).toMatch(/^xxh64:/);
}

describe('[SF13] a state file is read by HTTP Range', () => {
  test('from a server that can, with one request for its beginning and one for its end', async () => {
    const source = await ranges(await serve({ etag: () => '"1"' }));
    const reader = await StateFileReader.open(source, codec);
    for (const frame of reader?.packs.hot ?? []) await reader?.readPages(frame);
    expect(await reader?.readDeviceState()).toEqual(cut);
    expect(requests).toEqual([
      'bytes=0-65535',
      `bytes=${file.length - (256 << 10)}-${file.length - 1}`,
    ]);
    const [first = -1] = reader?.packs.others ?? [];
    expect((await reader?.readPages(first))?.length).toBe(packPages);
    expect(requests.length).toBe(3);
  });

  test('from the state server', async () => {
    const states = await startServer();
    try {
      const { id } = await share(states.url, file);
      const url = new URL(id, states.url).href;
      const reader = await StateFileReader.open(await ranges(url), codec);
      expect(await reader?.readDeviceState()).toEqual(cut);
    } finally {
      await states.close();
    }
  });

  test('from a Blob', async () => {
    const reader = await StateFileReader.open(
      new BlobRanges(new Blob([Uint8Array.from(file)])),
      codec,
    );
    expect(await reader?.readDeviceState()).toEqual(cut);
  });

  test('and as a stream from a server without ranges, without a second request', async () => {
    await streamed(await openUrl(await serve({ ranges: false })));
    expect(requests).toEqual(['bytes=0-65535']);
  });

  test('and as a stream from a server that compresses', async () => {
    const gzip = { headers: { 'Content-Encoding': 'gzip' }, body: gzipSync };
    await streamed(await openUrl(await serve({ ...gzip, ranges: false })));
    server?.close();
    await streamed(await openUrl(await serve(gzip)));
    expect(requests.at(-1)).toBe('');
  });

  test('and as a stream if an answer has another length than it says', async () => {
    let answers = 0;
    const body = (bytes: Buffer) => (answers++ === 0 ? bytes.subarray(0, 100) : bytes);
    await streamed(await openUrl(await serve({ body })));
  });

  test.each<[string, Served]>([
    ['its ETag changes', { etag: () => `"${requests.length}"` }],
    ['it grows', { content: () => (requests.length > 1 ? Buffer.concat([file, file]) : file) }],
    ['it shrinks', { content: () => (requests.length > 1 ? file.subarray(0, 70_000) : file) }],
  ])('a read fails with its own code when %s', async (_, served) => {
    const source = await ranges(await serve(served));
    await expect(source.read(200_000, 300_000)).rejects.toMatchObject({ code: 'state-changed' });
  });

  test('a file that is gone meanwhile is unavailable', async () => {
    const source = await ranges(await serve({}));
    server?.closeAllConnections();
    await new Promise((done) => server?.close(done));
    server = undefined;
    // The error names other sites: a page has an origin, and Node has none.
    Object.assign(globalThis, { location: { origin: 'http://localhost' } });
    try {
      await expect(source.read(200_000, 300_000)).rejects.toMatchObject({
        code: 'state-unavailable',
      });
    } finally {
      Reflect.deleteProperty(globalThis, 'location');
    }
  });

  test('a changed file behind an unchanged ETag is refused by its digests', async () => {
    let spoilt = file;
    const source = await ranges(await serve({ etag: () => '"1"', content: () => spoilt }));
    const reader = await StateFileReader.open(source, codec);
    const [first = -1] = reader?.packs.others ?? [];
    spoilt = Buffer.from(file);
    const at = reader?.index.frames[first]?.offset ?? 0;
    spoilt[at + 100_000]! ^= 1;
    await expect(reader?.readPages(first)).rejects.toMatchObject({ code: 'bad-state-file' });
  });
});
