import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { serveSite } from './serve.mjs';

let folder: string;
let site: Awaited<ReturnType<typeof serveSite>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-'));
  write('old/index.html', 'old');
  write('old/keeper.js', 'keeper');
  write('old/runtimes/1-ab/v86.wasm', '0123456789');
  write('new/index.html', 'new');
  site = await serveSite({ root: join(folder, 'old') });
});
afterAll(async () => {
  await site.close();
  rmSync(folder, { recursive: true });
});

function write(path: string, content: string) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, site.url), { headers });

test('hashed files are cached for ever, the others are revalidated', async () => {
  const wasm = await get('runtimes/1-ab/v86.wasm');
  expect(wasm.headers.get('content-type')).toBe('application/wasm');
  expect(wasm.headers.get('cache-control')).toContain('immutable');
  for (const path of ['', 'keeper.js']) {
    expect((await get(path)).headers.get('cache-control')).toBe('no-cache');
  }
});

test('pages and workers are isolated, unless asked otherwise', async () => {
  const plain = await serveSite({ root: join(folder, 'old'), isolated: false });
  for (const [url, coop, coep] of [
    [site.url, 'same-origin', 'require-corp'],
    [plain.url, null, null],
  ] as const) {
    const { headers } = await fetch(new URL('keeper.js', url));
    expect(headers.get('cross-origin-opener-policy')).toBe(coop);
    expect(headers.get('cross-origin-embedder-policy')).toBe(coep);
  }
  await plain.close();
});

test('every file carries the security policy: workers have that of their own script', async () => {
  for (const path of ['', 'keeper.js', 'runtimes/1-ab/v86.wasm']) {
    const { headers } = await get(path);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('permissions-policy')).toContain('camera=()');
    expect(headers.get('referrer-policy')).toBe('same-origin');
  }
});

test('a range of a file can be asked for, as disks are', async () => {
  const part = await get('runtimes/1-ab/v86.wasm', { range: 'bytes=2-4' });
  expect([part.status, await part.text()]).toEqual([206, '234']);
});

test.each([
  'bytes=5-3',
  'bytes=0-0',
  'bytes=-3',
  'bytes=0-1,4-5',
  'bytes=2-99999999999999999999',
  'x',
])('[D3] the range %s, which sirv does not understand, is ignored', async (range) => {
  const answer = await get('runtimes/1-ab/v86.wasm', { range });
  expect([answer.status, await answer.text()]).toEqual([200, '0123456789']);
});

test('[D3] a range to the end of a file, and one behind it', async () => {
  const rest = await get('runtimes/1-ab/v86.wasm', { range: 'bytes=7-' });
  expect([rest.status, await rest.text()]).toEqual([206, '789']);
  const behind = await get('runtimes/1-ab/v86.wasm', { range: 'bytes=10-11' });
  expect([behind.status, behind.headers.get('content-range')]).toEqual([416, 'bytes */10']);
});

test.each(['initrd.gz', 'disk.img.br', 'disk.img.zst'])(
  '%s is served as it is, also in ranges',
  async (name) => {
    const bytes = name.endsWith('.gz')
      ? gzipSync('contents '.repeat(1000))
      : Buffer.from('0123456789');
    writeFileSync(join(folder, 'old', name), bytes);
    const whole = await get(name);
    expect(whole.headers.get('content-encoding')).toBeNull();
    expect(whole.headers.get('content-length')).toBe(String(bytes.length));
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(bytes);
    const part = await get(name, { range: 'bytes=2-5' });
    expect([part.status, part.headers.get('content-encoding')]).toEqual([206, null]);
    expect(part.headers.get('content-range')).toBe(`bytes 2-5/${bytes.length}`);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(2, 6));
  },
);

test.each([
  ['tools/start.mjs', [], 'PORT is "8o86": give a whole number from 0 to 65535.'],
  [
    'tools/serve.mjs',
    ['--port', '65536'],
    '--port is "65536": give a whole number from 0 to 65535.',
  ],
])('[D7] an impossible port is reported in one sentence: %s', (script, args, message) => {
  const env = { ...process.env, PORT: '8o86' };
  const { status, stderr } = spawnSync(process.execPath, [script, ...args], {
    env,
    encoding: 'utf8',
  });
  expect(status).toBeGreaterThan(0);
  expect(stderr.trim()).toBe(message);
});

test('setRoot deploys another build at the same origin', async () => {
  site.setRoot(join(folder, 'new'));
  expect(await (await get('')).text()).toBe('new');
  expect((await get('keeper.js')).status).toBe(404);
});

test('the state server stands beside the site', async () => {
  const { openStateServer } = await import('./state-server.mjs');
  vi.stubEnv('HOLDFAST_STATES_FOLDER', join(folder, 'states'));
  const both = await serveSite({ root: join(folder, 'old'), states: await openStateServer() });
  const read = async (path: string) => (await fetch(new URL(path, both.url))).text();
  expect(JSON.parse(await read('states/'))).toMatchObject({ server: 'holdfast' });
  expect(await read('keeper.js')).toBe('keeper');
  await both.close();
});

test('under npm start, too, a body that stands still is broken off', async () => {
  const { openStateServer } = await import('./state-server.mjs');
  vi.stubEnv('HOLDFAST_STATES_FOLDER', join(folder, 'stalled'));
  vi.stubEnv('HOLDFAST_STATES_STALL_SECONDS', '0.4');
  const both = await serveSite({ root: join(folder, 'old'), states: await openStateServer() });
  const begun = await fetch(new URL('states/uploads', both.url), {
    method: 'POST',
    headers: { 'tus-resumable': '1.0.0', 'upload-length': '99' },
  });
  const path = new URL(begun.headers.get('location') ?? '', begun.url).pathname;
  const head = [
    `PATCH ${path} HTTP/1.1`,
    'Host: localhost',
    'Tus-Resumable: 1.0.0',
    'Upload-Offset: 0',
    'Content-Type: application/offset+octet-stream',
    'Content-Length: 99',
  ];
  const socket = connect(both.port, '127.0.0.1', () =>
    socket.write(`${head.join('\r\n')}\r\n\r\nonly this`),
  );
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes;
  });
  await new Promise((done) => socket.on('error', done).once('close', done));
  expect(answer).toBe('');
  await both.close();
  vi.unstubAllEnvs();
});
