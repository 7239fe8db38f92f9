import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RuntimeHost } from '../protocol/abi.ts';
import { loadImages } from './boot-images.ts';

const contents = Uint8Array.of(1, 2, 3);
let requests = 0;
const server = createServer((_, response) => {
  requests++;
  response.end(contents);
});
let url = '';

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/initrd`;
});
afterAll(() => server.close());

/** As far as images need one. */
function hostOf(): RuntimeHost {
  const config = { name: 'A machine', memoryMiB: 32, vgaMemoryMiB: 8, initrd: { url } };
  return { config, kept: new Map(), emit: () => {} } as unknown as RuntimeHost;
}

const load = async (incoming: boolean) => {
  const { initrd } = await loadImages(hostOf(), { wasmUrl: '', coldBoot: true, incoming });
  return initrd;
};

test('a guest that arrives takes the images of a machine that is there; one that boots has the newest', async () => {
  const first = await load(false);
  expect(first).toEqual(contents);
  expect(await load(true)).toBe(first);
  expect(requests).toBe(1);
  expect(await load(false)).toEqual(contents);
  expect(requests).toBe(2);
});
