import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchChecked } from '../../protocol/fetch-checked.ts';
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

describe('a module that its page compares with the digest', () => {
  const module = () => source(sha256(wasm));
  /** Requests to the server before the import. Node itself makes none over HTTP. */
  const askedFor = async (load: () => Promise<unknown>) => {
    asked.length = 0;
    await expect(load()).rejects.toMatchObject({ code: 'runtime-unavailable' });
    return asked;
  };
  const loaderTold = (word: unknown, about = module()) => {
    const loader = new RuntimeLoader();
    const { port1, port2 } = new MessageChannel();
    loader.checkedAt(port2, about);
    if (word !== undefined) port1.postMessage(word);
    return loader;
  };

  test('is not fetched once more where they agree, and is when it is loaded another time', async () => {
    const told = { ...module(), sha256: sha256(wasm) };
    const loader = loaderTold(true, told);
    expect(await askedFor(() => loader.load(told))).toEqual([]);
    expect(await askedFor(() => loader.load(told))).toEqual(['GET /runtime.js']);
  });

  test.each([
    ['they differ', false],
    ['it says something else', { isFine: true }],
    ['it says nothing', undefined],
  ])('is compared by the keeper where %s', async (_, word) => {
    const loader = loaderTold(word);
    expect(await askedFor(() => loader.load(module()))).toEqual([
      'GET /runtime.js',
      'HEAD /runtime.js',
    ]);
  });

  test('is compared by the keeper where its word was of another file or digest', async () => {
    for (const other of [{ sha256: '1'.repeat(64) }, { url: `${site}/other.js` }]) {
      const loader = loaderTold(true, { ...module(), ...other });
      expect(await askedFor(() => loader.load(module()))).toContain('GET /runtime.js');
    }
  });
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
