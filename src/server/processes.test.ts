/** Several processes on one bucket, coordinated by Redis. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedis, noRedis } from '../../tools/redis.mjs';
import { type RunningBucket, startBucket } from './testing/bucket.ts';
import { builtServer, type ServerProcess, startProcess } from './testing/process.ts';
import { type RunningProxy, startProxy } from './testing/proxy.ts';
import { type RunningRedis, startRedis } from './testing/redis.ts';
import { previousUpload, publish, randomState, sha256, upload } from './testing/server.ts';

const killAt = join(import.meta.dirname, 'testing/kill-at.mjs');
const MiB = 1024 * 1024;
const key = 'a-random-key-of-the-client';
const tus = { 'tus-resumable': '1.0.0' };

const hasRedis = findRedis() !== undefined;
if (!hasRedis) console.warn(`${noRedis} Several processes are not tested.`);

describe.skipIf(!hasRedis)('three processes on one bucket', () => {
  const built = builtServer();
  let redis: RunningRedis;
  let bucket: RunningBucket;
  let stay: ServerProcess[] = [];
  let balancer: RunningProxy;

  const start = (args: string[] = []) =>
    startProcess(built, {
      args: [
        ...[
          '--redis-url',
          redis.url,
          '--redis-lock-seconds',
          '3',
          '--behind-proxy',
          '1',
          '--uploads-per-hour',
          '1000',
        ],
        ...['--s3-bucket', bucket.bucket, '--s3-endpoint', bucket.endpoint ?? ''],
        ...['--pending-uploads', '5', '--requests-per-minute', '10000', ...args],
      ],
      env: {
        AWS_ACCESS_KEY_ID: bucket.credentials?.accessKeyId,
        AWS_SECRET_ACCESS_KEY: bucket.credentials?.secretAccessKey,
      },
      preload: [killAt],
    });

  beforeAll(async () => {
    redis = await startRedis();
    bucket = await startBucket();
    stay = await Promise.all([start(), start()]);
    let turn = 0;
    balancer = await startProxy(() => stay[turn++ % stay.length]?.url ?? '');
  }, 120_000);
  afterAll(async () => {
    await balancer.close();
    await Promise.all(stay.map((server) => server.kill()));
    await bucket.close();
    await redis.close();
    built.remove();
  });

  const urlOf = (index: number) => stay[index]?.url ?? '';
  const read = async (url: string, id: string) => {
    const response = await fetch(new URL(id, url));
    return response.ok ? sha256(Buffer.from(await response.arrayBuffer())) : response.status;
  };

  test('each request of an upload may reach another process', async () => {
    const bytes = randomState(13 * MiB);
    const uploadUrl = await upload(balancer.url, bytes, { chunkSize: 5 * MiB });
    const published = await publish(uploadUrl, sha256(bytes), key);
    expect(await publish(uploadUrl, sha256(bytes), key)).toEqual(published);
    for (const { url } of stay) expect(await read(url, published.id)).toBe(published.id);
    const headers = { authorization: `Bearer ${published.deletionToken}` };
    const removed = await fetch(new URL(published.id, urlOf(1)), { method: 'DELETE', headers });
    expect(removed.status).toBe(204);
    expect(await read(urlOf(0), published.id)).toBe(404);
  });

  test('limits count what all processes were asked', async () => {
    const create = async (client: string) =>
      (
        await fetch(new URL('uploads', balancer.url), {
          method: 'POST',
          headers: { ...tus, 'upload-length': '10', 'x-client': client },
        })
      ).status;
    const answers = await Promise.all(Array.from({ length: 12 }, () => create('198.51.100.1')));
    expect(answers.filter((status) => status === 201)).toHaveLength(5);
    expect(answers.filter((status) => status === 429)).toHaveLength(7);
    expect(await create('198.51.100.2')).toBe(201);
  });

  test('an upload that one process holds goes to the one that is asked next', async () => {
    const bytes = randomState(6 * MiB);
    const created = await fetch(new URL('uploads', urlOf(0)), {
      method: 'POST',
      headers: { ...tus, 'upload-length': String(bytes.length), 'x-forwarded-for': '192.0.2.9' },
    });
    const { pathname } = new URL(created.headers.get('location') ?? '', urlOf(0));
    const abort = new AbortController();
    const body = new ReadableStream({ start: (body) => body.enqueue(bytes.subarray(0, 1000)) });
    const headers = {
      ...tus,
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    };
    const init = { method: 'PATCH', headers, body, duplex: 'half', signal: abort.signal };
    fetch(new URL(pathname, urlOf(0)), init as RequestInit).catch(() => {});
    const uploadUrl = new URL(pathname, urlOf(1)).href;
    await upload(urlOf(1), bytes, {
      previous: previousUpload(uploadUrl, bytes.length),
      // The first request may arrive after the offset was read.
      retryDelays: [0, 100, 1000],
    });
    abort.abort();
    expect((await publish(uploadUrl, undefined, key)).id).toBe(sha256(bytes));
  });

  test('an upload continues at another process, when one is killed in any step of it', {
    timeout: 900_000,
  }, async () => {
    let isWhole = false;
    let steps = 0;
    for (; !isWhole; steps++) {
      const bytes = randomState(6 * MiB);
      const id = sha256(bytes);
      const third = await start();
      let uploadUrl = '';
      try {
        const armed = new Promise((done) => third.process.once('message', done));
        third.process.send({ killAt: steps + 1 });
        await armed;
        isWhole = await upload(third.url, bytes, {
          chunkSize: 5 * MiB,
          onUrl: (url) => {
            uploadUrl = url;
          },
        })
          .then((url) => publish(url, id, key))
          .then(
            (published) => published.id === id,
            () => false,
          );
      } finally {
        await third.kill();
      }
      // Killed before the client had the URL of an upload: the client has none to resume.
      if (!uploadUrl) continue;
      const there = new URL(new URL(uploadUrl).pathname, urlOf(0)).href;
      // The lock of a process that was killed expires.
      const published = await publish(there, id, key).catch(async () => {
        await upload(urlOf(0), bytes, { previous: previousUpload(there, bytes.length) });
        return publish(there, id, key);
      });
      expect(published.id).toBe(id);
      expect(await read(urlOf(1), id)).toBe(id);
      const headers = { authorization: `Bearer ${published.deletionToken}` };
      const removed = await fetch(new URL(id, urlOf(1)), { method: 'DELETE', headers });
      expect(removed.status).toBe(204);
      expect(await read(urlOf(0), id)).toBe(404);
    }
    expect(steps).toBeGreaterThan(8);
  });

  test('without Redis states are read, and no upload begins', async () => {
    const bytes = randomState(100_000);
    const { id } = await publish(await upload(urlOf(0), bytes), undefined, key);
    await redis.close();
    for (const { url } of stay) expect(await read(url, id)).toBe(id);
    const create = await fetch(new URL('uploads', urlOf(0)), {
      method: 'POST',
      headers: { ...tus, 'upload-length': '10' },
    });
    expect(create.status).toBe(500);
    for (const { url } of stay) expect(await read(url, id)).toBe(id);
  });
});
