/** Limits of the space that uploads may use: security finding 9. */
import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { StateServerOptions } from './options.ts';
import {
  previousUpload,
  publish,
  type RunningServer,
  randomState,
  sha256,
  share,
  startServer,
  upload,
} from './testing/server.ts';

let server: RunningServer;
const start = async (options: Partial<StateServerOptions> = {}) => {
  server = await startServer({ trustedProxies: 1, ...options });
};
afterEach(() => server.close());

const tus = { 'tus-resumable': '1.0.0' };
const KiB = 1024;

const begin = (sizeBytes: number, address = '192.0.2.1') =>
  fetch(new URL('uploads', server.url), {
    method: 'POST',
    headers: { ...tus, 'upload-length': String(sizeBytes), 'x-forwarded-for': address },
  });

const send = (uploadUrl: string, bytes: Buffer, address = '192.0.2.1', offset = 0) =>
  fetch(uploadUrl, {
    method: 'PATCH',
    headers: {
      ...tus,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
      'x-forwarded-for': address,
    },
    body: new Uint8Array(bytes),
  });

const urlOf = (response: Response) => new URL(response.headers.get('location') ?? '', server.url);

test('uploads that are only declared take no room from others', async () => {
  await start({ maxTotalBytes: 1000 * KiB, maxBytes: 1000 * KiB });
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    for (let count = 0; count < 16; count++) {
      expect((await begin(1000 * KiB, address)).status).toBe(201);
    }
  }
  const bytes = randomState(500 * KiB);
  expect((await share(server.url, bytes)).id).toBe(sha256(bytes));
});

test('arriving bytes take room, and are refused when there is none', async () => {
  await start({ maxTotalBytes: 1000 * KiB, maxBytes: 1000 * KiB });
  const [first, second] = [await begin(900 * KiB), await begin(900 * KiB, '192.0.2.2')];
  expect((await send(urlOf(first).href, randomState(800 * KiB))).status).toBe(204);
  expect((await send(urlOf(second).href, randomState(800 * KiB), '192.0.2.2')).status).toBe(507);
  expect((await begin(300 * KiB)).status).toBe(507);
  // The part that was stored is counted, and removed with its upload.
  expect((await fetch(urlOf(second), { method: 'DELETE', headers: tus })).status).toBe(204);
  expect((await fetch(urlOf(first), { method: 'DELETE', headers: tus })).status).toBe(204);
  expect((await share(server.url, randomState(900 * KiB))).sizeBytes).toBe(900 * KiB);
});

test('one address cannot have more than its part under way', async () => {
  await start({ maxPendingUploadsPerClient: 3, maxPendingBytesPerClient: 100 * KiB });
  const uploads = [];
  for (let count = 0; count < 3; count++) uploads.push(urlOf(await begin(90 * KiB)).href);
  expect((await begin(1)).status).toBe(429);
  expect((await begin(1, '192.0.2.2')).status).toBe(201);
  const [first = '', second = ''] = uploads;
  expect((await send(first, randomState(90 * KiB))).status).toBe(204);
  expect((await send(second, randomState(90 * KiB))).status).toBe(429);
  // An IPv6 network counts as one client. So does its site, with four times the limit.
  const ipv6 = (host: string) => begin(1, `2001:db8:0:${host}`);
  for (let count = 0; count < 3; count++) expect((await ipv6(`1::${count}`)).status).toBe(201);
  expect((await ipv6('1:ffff::1')).status).toBe(429);
  for (let count = 0; count < 9; count++) {
    expect((await ipv6(`${2 + Math.floor(count / 3)}::1`)).status).toBe(201);
  }
  expect((await ipv6('9::1')).status).toBe(429);
});

test('all together cannot have more than so many under way, however many ask at once', async () => {
  await start({ maxPendingUploads: 10, maxPendingUploadsPerClient: 100 });
  const answers = await Promise.all(Array.from({ length: 40 }, () => begin(1000)));
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  expect([count(201), count(503)]).toEqual([10, 30]);
});

test('an upload that stands still is removed, one that continues is not', async () => {
  await start({ maxPendingUploads: 2 });
  const bytes = randomState(100 * KiB);
  const still = urlOf(await begin(bytes.length)).href;
  const going = urlOf(await begin(bytes.length)).href;
  await send(still, bytes.subarray(0, 50 * KiB));
  await send(going, bytes.subarray(0, 50 * KiB));
  const old = new Date(Date.now() - 3600_000);
  const folder = join(server.root, 'states/uploads');
  const id = (url: string) => url.split('/').at(-1) ?? '';
  await utimes(join(folder, id(still)), old, old);
  await utimes(join(folder, `${id(still)}.json`), old, old);
  // An upload may take longer than any time limit: only its description is old.
  await utimes(join(folder, `${id(going)}.json`), old, old);
  // Another server, which knows of them only from the files.
  const again = await startServer({ folder: join(server.root, 'states'), maxPendingUploads: 2 });
  try {
    const at = (url: string) => url.replace(server.url, again.url);
    await again.states.sweep();
    expect((await fetch(at(still), { method: 'HEAD', headers: tus })).status).toBe(404);
    const create = () =>
      fetch(new URL('uploads', again.url), {
        method: 'POST',
        headers: { ...tus, 'upload-length': '1' },
      });
    expect((await create()).status).toBe(201);
    expect((await create()).status).toBe(503);
    await upload(again.url, bytes, { previous: previousUpload(at(going), bytes.length) });
    expect((await publish(at(going))).id).toBe(sha256(bytes));
  } finally {
    await again.close();
  }
});

test('an upload that nothing arrives of is removed after a while, and its place is free', async () => {
  await start({ maxPendingUploads: 1, idleMs: 0 });
  const begun = urlOf(await begin(1000));
  expect((await begin(1000)).status).toBe(503);
  await server.states.sweep();
  expect((await fetch(begun, { method: 'HEAD', headers: tus })).status).toBe(404);
  expect((await begin(1000)).status).toBe(201);
});

test('an upload that could not be created takes no place', async () => {
  await start({ maxPendingUploads: 1 });
  const folder = join(server.root, 'states/uploads');
  await rename(folder, `${folder}.away`);
  await writeFile(folder, '');
  expect((await begin(1000)).status).toBe(500);
  await rm(folder);
  await mkdir(folder);
  expect((await begin(1000)).status).toBe(201);
  expect((await begin(1000)).status).toBe(503);
});

test('a client that asks for many things at once waits for its own, others do not', async () => {
  await start({ maxRequestsAtOnce: 2 });
  const hold = async (address: string) => {
    const uploadUrl = urlOf(await begin(1000, address));
    const body = new ReadableStream<Uint8Array>({
      start: (body) => body.enqueue(new Uint8Array(1)),
    });
    const init = { method: 'PATCH', body, duplex: 'half', signal: abort.signal };
    const type = { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
    const headers = { ...tus, ...type, 'x-forwarded-for': address };
    fetch(uploadUrl, { ...init, headers } as RequestInit).catch(() => {});
  };
  const abort = new AbortController();
  const status = async (address: string) =>
    (await fetch(server.url, { headers: { 'x-forwarded-for': address } })).status;
  await hold('192.0.2.1');
  await hold('192.0.2.1');
  await expect.poll(() => status('192.0.2.1')).toBe(429);
  expect(await status('192.0.2.2')).toBe(200);
  abort.abort();
  await expect.poll(() => status('192.0.2.1')).toBe(200);
});

test('after a restart unfinished uploads still count, until they stand still for long', async () => {
  await start();
  await upload(server.url, randomState(500 * KiB), {
    chunkSize: 300 * KiB,
    breakOffAfterBytes: 300 * KiB,
  });
  const root = server.root;
  const again = await startServer({ folder: join(root, 'states'), maxTotalBytes: 500 * KiB });
  const status = async () =>
    (
      await fetch(new URL('uploads', again.url), {
        method: 'POST',
        headers: { ...tus, 'upload-length': String(400 * KiB) },
      })
    ).status;
  try {
    expect(await status()).toBe(507);
    const [name = ''] = (await readdir(join(root, 'states/uploads'))).filter(
      (file) => !file.includes('.'),
    );
    await fetch(new URL(`uploads/${name}`, again.url), { method: 'DELETE', headers: tus });
    expect(await status()).toBe(201);
  } finally {
    await again.close();
  }
});
