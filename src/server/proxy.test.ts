/** The server behind a reverse proxy, beside 200 slow clients. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type RunningProxy, startProxy } from './testing/proxy.ts';
import {
  publish,
  type RunningServer,
  randomState,
  sha256,
  share,
  startServer,
  upload,
} from './testing/server.ts';
import { holdSlowClients } from './testing/slow-clients.ts';

const MiB = 1024 * 1024;
let server: RunningServer;
let proxy: RunningProxy;

beforeAll(async () => {
  server = await startServer({ trustedProxies: 1, requestsPerMinute: 200 });
  proxy = await startProxy(() => server.url);
});
afterAll(async () => {
  await proxy.close();
  await server.close();
});

const statusFor = async (client: string, more: Record<string, string> = {}) =>
  (await fetch(proxy.url, { headers: { 'x-client': client, ...more } })).status;

async function begunUploads(root: string): Promise<number> {
  const folder = join(root, 'states/uploads');
  const names = (await readdir(folder)).filter((name) => !name.includes('.'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.filter((size) => size > 0).length;
}

test('uploads, downloads and deletions pass through a proxy', async () => {
  const bytes = randomState(3 * MiB);
  const uploadUrl = await upload(proxy.url, bytes, { chunkSize: MiB });
  expect(uploadUrl.startsWith(proxy.url)).toBe(true);
  const { id, deletionToken } = await publish(uploadUrl, sha256(bytes));
  const url = new URL(id, proxy.url);
  expect(sha256(Buffer.from(await (await fetch(url)).arrayBuffer()))).toBe(id);
  const headers = { authorization: `Bearer ${deletionToken}` };
  expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(204);
});

test('a client that asks too much behind the proxy locks out no other', async () => {
  const answers = await Promise.all(Array.from({ length: 220 }, () => statusFor('198.51.100.1')));
  expect(answers).toContain(429);
  expect(await statusFor('198.51.100.2')).toBe(200);
  // The client cannot change its address by its own header.
  expect(await statusFor('198.51.100.1', { 'x-forwarded-for': '198.51.100.9' })).toBe(429);
});

test('a proxy that the settings leave out is warned of', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const unaware = await startServer();
  const before = await startProxy(() => unaware.url);
  await fetch(before.url);
  expect(warn.mock.calls.join()).toContain('"behind-proxy" is 0');
  warn.mockRestore();
  await before.close();
  await unaware.close();
});

test('while 200 slow clients are held, all others are served', async () => {
  const large = randomState(8 * MiB);
  const { id } = await share(server.url, large);
  const slow = await holdSlowClients(proxy.url, id, 200);
  try {
    // A first part of each upload has arrived.
    await expect.poll(() => begunUploads(server.root)).toBe(100);
    const clients = Array.from({ length: 20 }, async () => {
      const bytes = randomState(200_000);
      const shared = await share(server.url, bytes);
      const response = await fetch(new URL(shared.id, proxy.url));
      expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(bytes));
    });
    await Promise.all(clients);
    expect(slow.held).toBe(200);
  } finally {
    slow.end();
  }
  // Their space is free again.
  await expect.poll(() => statusFor('10.0.0.1')).toBe(200);
});
