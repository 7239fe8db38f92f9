import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { endless } from '../../../tools/endless-server.ts';
import { type ChangedError, fetchRange, type RangeFile } from './range-fetch.ts';
import { retry } from './retry.ts';

const contents = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/disk.img`;
}

interface Answer {
  status?: number;
  etag?: string;
  total?: number;
  /** Sends this many bytes less than it announces. */
  missing?: number;
  headers?: Record<string, string>;
}

/** A server that answers ranges; `answer` returns each response. */
const ranged = (answer: (request: number) => Answer) => {
  let requests = 0;
  const listener: RequestListener = (request, response) => {
    const { status = 206, etag = '"one"', total = contents.length, ...rest } = answer(requests++);
    const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    const end = Math.min(Number(to) + 1, contents.length);
    const bytes = contents.subarray(Number(from), end - (rest.missing ?? 0));
    response.writeHead(status, {
      etag,
      ...(status === 206 && { 'content-range': `bytes ${from}-${end - 1}/${total}` }),
      ...rest.headers,
    });
    response.end(status < 300 ? bytes : '');
  };
  return listener;
};

const known = (url: string): RangeFile => ({
  url,
  sizeBytes: contents.length,
  version: 'etag:"one"',
});

test('reads a part, and learns the size and version', async () => {
  const url = await serve(ranged(() => ({})));
  const { file, bytes } = await fetchRange({ url }, 100, 200);
  expect(file).toEqual(known(url));
  expect(bytes).toEqual(contents.slice(100, 300));
});

test('reads up to the end', async () => {
  const url = await serve(ranged(() => ({})));
  const { bytes } = await fetchRange(known(url), 9_900, 200);
  expect(bytes).toEqual(contents.slice(9_900));
});

test.each<[string, Answer]>([
  ['another ETag', { etag: '"two"' }],
  ['another size', { total: 20_000 }],
  ['a range that is not there any more', { status: 416 }],
])('%s is another file, and never works again', async (_, answer) => {
  const url = await serve(ranged(() => answer));
  const failure = await fetchRange(known(url), 0, 10).catch((error) => error);
  expect(failure).toMatchObject({ code: 'image-unavailable' });
  expect((failure.cause as ChangedError).name).toBe('ChangedError');
});

test.each<[string, Answer, RegExp]>([
  ['that ignores ranges', { status: 200 }, /ignores ranges/],
  ['that has no such file', { status: 404 }, /404/],
  ['that compresses', { headers: { 'content-encoding': 'gzip' } }, /compresses/],
])('a server %s is refused in a sentence', async (_, answer, message) => {
  const url = await serve(ranged(() => answer));
  await expect(fetchRange({ url }, 0, 10)).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringMatching(message),
  });
});

test('a server that does not say the size is one whose size must be given', async () => {
  const url = await serve((_, response) => {
    response.writeHead(206);
    response.end(contents.subarray(0, 10));
  });
  await expect(fetchRange({ url }, 0, 10)).rejects.toMatchObject({
    message: expect.stringContaining('Content-Range'),
  });
  const { file } = await fetchRange({ url, sizeBytes: contents.length }, 0, 10);
  expect(file.sizeBytes).toBe(contents.length);
});

test('short answers, errors of the server and a server that is away are tried again', async () => {
  const answers: Answer[] = [{ missing: 5 }, { status: 503 }, { status: 429 }, {}];
  const url = await serve(ranged((request) => answers[request] ?? {}));
  const failures: string[] = [];
  let recovered = 0;
  const { bytes } = await retry(() => fetchRange(known(url), 0, 100), {
    failed: ({ message }) => failures.push(message),
    recovered: () => recovered++,
  });
  expect(bytes).toEqual(contents.slice(0, 100));
  expect(failures).toEqual([
    expect.stringContaining('95 bytes, not 100'),
    expect.stringContaining('503'),
    expect.stringContaining('429'),
  ]);
  expect(recovered).toBe(1);
});

test('a connection that breaks is tried again', async () => {
  let requests = 0;
  const answer = ranged(() => ({}));
  const url = await serve((request, response) => {
    if (requests++) answer(request, response);
    else request.socket.destroy();
  });
  const failures: string[] = [];
  const { bytes } = await retry(() => fetchRange(known(url), 0, 100), {
    failed: ({ message }) => failures.push(message),
    recovered: () => undefined,
  });
  expect(bytes).toEqual(contents.slice(0, 100));
  expect(failures).toEqual([expect.stringContaining('cannot be reached')]);
});

test('a hopeless request is not tried again', async () => {
  let requests = 0;
  const url = await serve(
    ranged(() => {
      requests++;
      return { status: 404 };
    }),
  );
  const reading = retry(() => fetchRange(known(url), 0, 100), {
    failed: () => undefined,
    recovered: () => undefined,
  });
  await expect(reading).rejects.toMatchObject({ code: 'image-unavailable' });
  expect(requests).toBe(1);
});

test('giving up ends the tries', async () => {
  const url = await serve(ranged(() => ({ status: 503 })));
  const gaveUp = new AbortController();
  const reading = retry(() => fetchRange(known(url), 0, 100, gaveUp.signal), {
    signal: gaveUp.signal,
    failed: () => gaveUp.abort(new Error('enough')),
    recovered: () => undefined,
  });
  await expect(reading).rejects.toThrow('enough');
});

test('[5] a server that never ends a range is broken off where it should have ended', async () => {
  const url = await serve(() => {});
  const closed = endless(server as Server, 206, { 'content-range': 'bytes 0-511/10000' });
  await expect(fetchRange({ url }, 0, 512)).rejects.toThrow('the answer has more bytes, not 512');
  await closed;
});
