import { readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type RunningServer,
  randomState,
  sha256,
  share,
  startServer,
  upload,
} from './testing/server.ts';

let server: RunningServer;
const secret = 'not for clients';

beforeAll(async () => {
  server = await startServer({ maxBytes: 10_000_000 });
  // Beside the server's folder: a request that reads this has left the folder.
  await writeFile(join(server.root, 'secret'), secret);
});
afterAll(() => server.close());

/** Sends raw bytes, and returns the response until the server closes or is silent. */
function raw(request: string): Promise<string> {
  return new Promise((done, fail) => {
    let answer = '';
    const socket = connect(server.port, '127.0.0.1', () => socket.write(request));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') fail(error);
    });
    socket.on('close', () => done(answer));
  });
}

/** A small generator, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const id32 = 'a'.repeat(32);
const id64 = 'b'.repeat(64);
const paths = [
  '/states/../../secret',
  '/states/..%2f..%2fsecret',
  '/states/%2e%2e/%2e%2e/secret',
  '/states/uploads/../../../secret',
  '/states/uploads/..%2f..%2f..%2fsecret',
  '/states/uploads/....//secret',
  '/states/uploads/%00',
  '/states/uploads/..\\..\\secret',
  `/states/uploads/${id32}%2f..%2f..%2fsecret`,
  `/states/uploads/${id32}.json`,
  `/states/uploads/${id32}/publish`,
  `/states/uploads/${id32}/publish/../../../secret`,
  `/states/uploads/${id32}`,
  '/states/uploads',
  '/states/uploads/',
  `/states/${id64}`,
  `/states/${id64}/../../secret`,
  `/states/${'%'.repeat(64)}`,
  '/states/',
  '/states',
  '/states/%',
  '//states/',
  'http://other.example/states/',
  '*',
  `/states/${'x'.repeat(10_000)}`,
];
const methods = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
const headers = [
  'Tus-Resumable: 1.0.0',
  'Tus-Resumable: 9.9.9',
  'Upload-Length: 10',
  'Upload-Length: 0',
  'Upload-Length: -1',
  'Upload-Length: 99999999999999999999999999',
  'Upload-Length: NaN',
  'Upload-Defer-Length: 1',
  'Upload-Concat: final;/states/uploads/../../secret',
  'Upload-Offset: 0',
  'Upload-Offset: -5',
  'Upload-Offset: 18446744073709551616',
  'Upload-Metadata: filename Li4vLi4vc2VjcmV0',
  'Upload-Metadata: __proto__ eA==,constructor eA==',
  'Upload-Metadata: ,,, ,=',
  `Upload-Metadata: ${'k '.repeat(2000)}`,
  'Content-Type: application/offset+octet-stream',
  'Content-Type: \x01',
  'Content-Length: 5',
  'Content-Length: 99999999999',
  'Content-Length: 1e3',
  'Transfer-Encoding: chunked',
  'X-HTTP-Method-Override: DELETE',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-For: \'"<>',
  'Range: bytes=0-99999999999999999999',
  'Range: bytes=-',
  'Range: lines=1-2',
  'If-None-Match: *',
  'Authorization: Bearer ../../secret',
  'Authorization: Basic eDp5',
  'Origin: null',
  'Origin: ::::',
  `Cookie: ${'c'.repeat(9000)}`,
];
const bodies = [
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  'ffffffffffff\r\nx',
  '{"sha256":{"a":1}}',
  '[',
];

async function allFiles(): Promise<string[]> {
  const entries = await readdir(server.root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(server.root, join(entry.parentPath, entry.name)));
}

test('no bad request reaches outside of the folder or ends the server', async () => {
  const kept = randomState(1000);
  const { id } = await share(server.url, kept);
  const begun = await upload(server.url, randomState(2000), {
    chunkSize: 500,
    breakOffAfterBytes: 500,
  });
  const targets = [...paths, new URL(begun).pathname, `${new URL(begun).pathname}/publish`];
  const next = numbers(20_261_123);
  const pick = (from: readonly string[]) => from[next(from.length)] ?? '';
  const answers: Promise<string>[] = [];
  for (let count = 0; count < 3000; count++) {
    // Half of them get past the first check of the tus protocol.
    const lines = next(2) === 0 ? ['Tus-Resumable: 1.0.0'] : [];
    for (let more = next(6); more > 0; more--) lines.push(pick(headers));
    const head = [
      `${pick(methods)} ${pick(targets)} HTTP/1.1`,
      'Host: localhost',
      'Connection: close',
    ];
    answers.push(raw(`${[...head, ...lines].join('\r\n')}\r\n\r\n${pick(bodies)}`));
    if (answers.length === 50) await expectHarmless(answers.splice(0));
  }
  await expectHarmless(answers);
  const outside = (await allFiles()).filter((path) => !path.startsWith('states/'));
  expect(outside).toEqual(['secret']);
  const response = await fetch(new URL(id, server.url));
  expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(kept));
});

async function expectHarmless(answers: Promise<string>[]): Promise<void> {
  for (const answer of await Promise.all(answers)) {
    expect(answer).not.toContain(secret);
    expect(answer).not.toMatch(/^HTTP\/1\.1 500/);
  }
}

test('a request that is no HTTP is answered or dropped', async () => {
  const noise = randomState(5000).toString('latin1');
  for (const request of ['\r\n\r\n', 'GET', 'GET / HTTP/9.9\r\n\r\n', noise, '\x16\x03\x01']) {
    expect(await raw(request)).not.toContain(secret);
  }
  expect((await fetch(server.url)).status).toBe(200);
});

test('many deletions and publications at once end in one result', async () => {
  const bytes = randomState(100_000);
  const published = await share(server.url, bytes);
  const remove = () =>
    fetch(new URL(published.id, server.url), {
      method: 'DELETE',
      headers: { authorization: `Bearer ${published.deletionToken}` },
    }).then(({ status }) => status);
  const read = () =>
    fetch(new URL(published.id, server.url)).then(async (response) => {
      const content = Buffer.from(await response.arrayBuffer());
      return response.ok ? sha256(content) === published.id : response.status === 404;
    });
  const [removals, reads] = await Promise.all([
    Promise.all(Array.from({ length: 20 }, remove)),
    Promise.all(Array.from({ length: 20 }, read)),
  ]);
  expect(removals.sort()).toEqual([204, ...Array(19).fill(403)]);
  expect(reads).toEqual(Array(20).fill(true));
  // A state that is shared while it is deleted exists afterwards.
  const again = await share(server.url, bytes);
  const [anew] = await Promise.all([share(server.url, bytes), removeShare(again)]);
  expect((await fetch(new URL(anew.id, server.url))).status).toBe(200);
});

const removeShare = ({ id, deletionToken }: { id: string; deletionToken: string }) =>
  fetch(new URL(id, server.url), {
    method: 'DELETE',
    headers: { authorization: `Bearer ${deletionToken}` },
  });
