import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchChecked } from './fetch-checked.ts';
import { RuntimeLoader } from './runtime-loader.ts';

const wasm = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let server: Server;
let site: string;
const asked: string[] = [];

beforeAll(async () => {
  server = createServer(({ method, url = '' }, response) => {
    asked.push(`${method} ${url}`);
    response.statusCode = url === '/missing' ? 404 : 200;
    response.setHeader('Content-Type', 'application/wasm').end(wasm);
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => void server.close());

const source = (wasmSha256: string, url = '/v86.wasm') => ({
  id: 'r',
  v86Version: '1',
  url: `${site}/runtime.js`,
  wasmUrl: site + url,
  sha256: '0'.repeat(64),
  wasmSha256,
});

test('the file that is known is given out, and no other', async () => {
  const good = await fetchChecked(`${site}/v86.wasm`, sha256(wasm));
  expect(new Uint8Array(await good.arrayBuffer())).toEqual(wasm);
  await expect(fetchChecked(`${site}/v86.wasm`, '0'.repeat(64))).rejects.toMatchObject({
    code: 'runtime-unavailable',
    message: expect.stringContaining('SHA-256'),
  });
});

test('a module with another digest is never imported', async () => {
  asked.length = 0;
  await expect(new RuntimeLoader().load(source(sha256(wasm)))).rejects.toMatchObject({
    code: 'runtime-unavailable',
  });
  expect(asked).toEqual(['GET /runtime.js', 'HEAD /runtime.js']);
});

test('WebAssembly with another digest is not compiled, nor left to the runtime to fetch', async () => {
  expect(await new RuntimeLoader().compile(source(sha256(wasm)))).toBeInstanceOf(
    WebAssembly.Module,
  );
  for (const bad of [source('0'.repeat(64)), source(sha256(wasm), '/missing')])
    await expect(
      new RuntimeLoader().compile(bad).then((module) => module ?? 'left'),
    ).rejects.toMatchObject({ code: 'runtime-unavailable' });
});
