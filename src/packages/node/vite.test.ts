import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createServer, type PreviewServer, preview, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdfast } from './vite.ts';

const bytes = gzipSync('contents '.repeat(1000));
const options = () => ({ configFile: false as const, plugins: [holdfast()], root });
let root: string;
const servers: (ViteDevServer | PreviewServer)[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-vite-'));
  for (const folder of ['public', 'dist']) {
    await mkdir(join(root, folder));
    for (const name of ['initrd.gz', 'disk.br', 'disk.zst'])
      await writeFile(join(root, folder, name), bytes);
  }
  const host = '127.0.0.1';
  const dev = await createServer({ ...options(), server: { port: 0, host } });
  await dev.listen();
  servers.push(dev, await preview({ ...options(), preview: { port: 0, host } }));
});
afterAll(async () => {
  for (const server of servers) await server.close();
  await rm(root, { recursive: true });
});

test.each([
  ['development', 0],
  ['preview', 1],
])('in %s, archives are served as they are, also in ranges', async (_, index) => {
  const address = servers[index]?.httpServer?.address();
  const { port } = address as AddressInfo;
  for (const name of ['initrd.gz', 'disk.br', 'disk.zst']) {
    const url = `http://127.0.0.1:${port}/${name}`;
    const whole = await fetch(url);
    expect(whole.headers.get('content-encoding')).toBeNull();
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(bytes);
    const part = await fetch(url, { headers: { range: 'bytes=2-5' } });
    expect(part.headers.get('content-range')).toBe(`bytes 2-5/${bytes.length}`);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(2, 6));
    for (const range of ['bytes=5-3', 'bytes=-5']) {
      const strange = await fetch(url, { headers: { range } });
      expect([strange.status, Buffer.from(await strange.arrayBuffer())]).toEqual([200, bytes]);
    }
  }
});
