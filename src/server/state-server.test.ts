import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCodec } from '../state-file/format/codec.ts';
import { encodePreamble } from '../state-file/format/frame.ts';
import { type RunningBucket, startBucket } from './testing/bucket.ts';
import {
  publish,
  type RunningServer,
  randomState,
  sha256,
  share,
  startServer,
  stateOf,
  upload,
} from './testing/server.ts';

describe.each(['folder', 'bucket'])('with a %s', (kind) => {
  let bucket: RunningBucket | undefined;
  let server: RunningServer;
  const stateUrl = (id: string) => new URL(id, server.url).href;
  const remove = (id: string, token: string) =>
    fetch(stateUrl(id), { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });

  beforeAll(async () => {
    bucket = kind === 'bucket' ? await startBucket() : undefined;
    server = await startServer({ ...(bucket && { bucket: { ...bucket, redirectReads: false } }) });
  });
  afterAll(async () => {
    await server.close();
    await bucket?.close();
  });

  test('a state that was uploaded is there under the digest of its content', async () => {
    // More than one part of a bucket.
    const bytes = randomState(9 * 1024 * 1024);
    const { id, sizeBytes, expiresAt } = await share(server.url, bytes);
    expect(id).toBe(sha256(bytes));
    expect(sizeBytes).toBe(bytes.length);
    expect(expiresAt).toBeGreaterThan(Date.now() + 29 * 86_400_000);
    const response = await fetch(stateUrl(id));
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(id);
  });

  test('it is cached for as long as it is there, and never shown as a page', async () => {
    const { id } = await share(server.url, stateOf(Buffer.from('<script>alert(1)</script>')));
    const { headers } = await fetch(stateUrl(id), { method: 'HEAD' });
    expect(headers.get('cache-control')).toMatch(/^public, max-age=2[0-9]{6}, immutable$/);
    expect(headers.get('etag')).toBe(`"${id}"`);
    expect(headers.get('content-length')).toBe('49');
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain('sandbox');
    expect(headers.get('content-disposition')).toContain('attachment');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    const again = await fetch(stateUrl(id), { headers: { 'if-none-match': `"${id}"` } });
    expect(again.status).toBe(304);
  });

  test('a part of it can be asked for', async () => {
    const bytes = stateOf(Buffer.from('0123456789'));
    const whole = bytes.toString('latin1');
    const { id } = await share(server.url, bytes);
    const get = async (range: string, more: Record<string, string> = {}) => {
      const response = await fetch(stateUrl(id), { headers: { range, ...more } });
      const content = Buffer.from(await response.arrayBuffer()).toString('latin1');
      return [response.status, content, response.headers.get('content-range')];
    };
    expect(await get('bytes=26-28')).toEqual([206, '234', 'bytes 26-28/34']);
    expect(await get('bytes=-3')).toEqual([206, '789', 'bytes 31-33/34']);
    expect(await get('bytes=0-1,4-5')).toEqual([200, whole, null]);
    expect(await get('bytes=2-4', { 'if-range': '"another"' })).toEqual([200, whole, null]);
    expect((await get('bytes=40-'))[0]).toBe(416);
  });

  test('only its deletion token deletes it, and with the last share it is gone', async () => {
    const bytes = randomState(1000);
    const first = await share(server.url, bytes);
    const second = await share(server.url, bytes);
    expect(second.id).toBe(first.id);
    expect((await remove(first.id, 'guess')).status).toBe(403);
    expect((await remove(first.id, first.deletionToken)).status).toBe(204);
    expect((await fetch(stateUrl(first.id))).status).toBe(200);
    expect((await remove(first.id, second.deletionToken)).status).toBe(204);
    expect((await fetch(stateUrl(first.id))).status).toBe(404);
    expect((await remove(first.id, second.deletionToken)).status).toBe(403);
  });

  test('an upload with other contents than the client announced is deleted', async () => {
    const uploadUrl = await upload(server.url, randomState(1000));
    await expect(publish(uploadUrl, sha256(randomState(40)))).rejects.toThrow('wrong-digest');
    expect((await fetch(uploadUrl, { method: 'HEAD', headers: tus })).status).toBe(404);
  });

  test('a client that lost the answer asks again and gets the same', async () => {
    const uploadUrl = await upload(server.url, randomState(1000));
    const again = () => publish(uploadUrl, undefined, key);
    const [one, two] = await Promise.all([again(), again()]);
    expect(two).toEqual(one);
    expect(await again()).toEqual(one);
    expect((await remove(one.id, one.deletionToken)).status).toBe(204);
  });

  test('a client that knows the address of an upload does not get its deletion token', async () => {
    const uploadUrl = await upload(server.url, randomState(1000));
    const { deletionToken } = await publish(uploadUrl, undefined, key);
    await expect(publish(uploadUrl)).rejects.toThrow('403');
    await expect(publish(uploadUrl, undefined, 'x'.repeat(32))).rejects.toThrow('403');
    await expect(publish(uploadUrl, undefined, 'short')).rejects.toThrow('400');
    // It cannot be computed from the address either, as in earlier versions.
    const id = uploadUrl.split('/').at(-1) ?? '';
    expect(deletionToken).not.toBe(sha256(Buffer.from(`deletion token of ${id}`)));
    const other = await publish(await upload(server.url, randomState(1000)));
    expect(other.deletionToken).toMatch(/^[0-9a-f]{64}$/);
  });

  test('only a state file is published, and another is deleted', async () => {
    const sound = randomState(1000);
    const otherVersion = Buffer.from(sound);
    otherVersion.writeUInt32LE(9, 8);
    const damaged = Buffer.from(sound);
    damaged.writeUInt8(damaged.readUInt8(30) ^ 1, 30);
    for (const bytes of [
      Buffer.from('<!doctype html><title>Not a state</title>'),
      sound.subarray(0, 20),
      sound.subarray(0, 500),
      otherVersion,
      damaged,
      Buffer.concat([Buffer.from('PK'), sound]),
    ]) {
      const uploadUrl = await upload(server.url, bytes);
      await expect(publish(uploadUrl)).rejects.toThrow('415');
      expect((await fetch(stateUrl(sha256(bytes)))).status).toBe(404);
      expect((await fetch(uploadUrl, { method: 'HEAD', headers: tus })).status).toBe(404);
    }
  });

  test('an export of the page is a state file to the server', async () => {
    const codec = await loadCodec();
    const head = Buffer.from('what is in a head is for the page to read');
    const bytes = Buffer.concat([encodePreamble(head, codec.digest), head]);
    expect((await share(server.url, bytes)).id).toBe(sha256(bytes));
  });

  test('nothing lists what is there', async () => {
    const { id } = await share(server.url, randomState(40));
    const info = await (await fetch(server.url)).text();
    expect(info).not.toContain(id);
    for (const path of [
      'uploads',
      'uploads/',
      'states',
      'shares',
      id.slice(0, 8),
      '?list-type=2',
    ]) {
      const response = await fetch(stateUrl(path));
      expect(await response.text()).not.toContain(id);
      if (!path.startsWith('?')) expect(response.ok).toBe(false);
    }
  });

  test('it is gone once it has expired', async () => {
    const short = await startServer({
      expireAfterS: 0.2,
      ...(bucket && { bucket: { ...bucket, redirectReads: false } }),
    });
    try {
      const { id, deletionToken } = await share(short.url, randomState(40));
      const status = () => fetch(new URL(id, short.url)).then((response) => response.status);
      await expect.poll(status, { timeout: 20_000 }).toBe(404);
      await short.states.sweep();
      const authorization = `Bearer ${deletionToken}`;
      const left = { method: 'DELETE', headers: { authorization } };
      expect((await fetch(new URL(id, short.url), left)).status).toBe(403);
    } finally {
      await short.close();
    }
  });
});

/** A client's random key for one publication. */
const key = 'a-random-key-of-the-client';
const tus = { 'tus-resumable': '1.0.0' };

const createUpload = (server: RunningServer, headers: Record<string, string>) =>
  fetch(new URL('uploads', server.url), { method: 'POST', headers: { ...tus, ...headers } });

test('a bucket that browsers read themselves is where they are sent', async () => {
  const bucket = await startBucket();
  const server = await startServer({ bucket: { ...bucket, redirectReads: true } });
  try {
    const bytes = randomState(1000);
    const { id } = await share(server.url, bytes);
    const response = await fetch(new URL(id, server.url));
    expect(response.url.startsWith(`${bucket.endpoint}/states/states/${id}?`)).toBe(true);
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(id);
  } finally {
    await server.close();
    await bucket.close();
  }
});

describe('limits', () => {
  test('a state may have so many bytes, and all together', async () => {
    const server = await startServer({ maxBytes: 1000, maxTotalBytes: 1500 });
    try {
      const statusOf = async (size: string) =>
        (await createUpload(server, { 'upload-length': size })).status;
      expect(await statusOf('1001')).toBe(413);
      const first = await share(server.url, randomState(900));
      expect(await statusOf('700')).toBe(507);
      // The declared size of an upload uses no space; its received data does.
      for (let count = 0; count < 5; count++) expect(await statusOf('500')).toBe(201);
      await upload(server.url, randomState(500), { chunkSize: 300, breakOffAfterBytes: 300 });
      expect(await statusOf('400')).toBe(507);
      expect(await statusOf('250')).toBe(201);
      await fetch(new URL(first.id, server.url), {
        method: 'DELETE',
        headers: { authorization: `Bearer ${first.deletionToken}` },
      });
      expect(await statusOf('900')).toBe(201);
    } finally {
      await server.close();
    }
  });

  test('an address may send so many requests, uploads and bytes', async () => {
    for (const [options, size] of [
      [{ requestsPerMinute: 2 }, '1'],
      [{ uploadsPerHour: 2 }, '1'],
      [{ uploadBytesPerDay: 4096 }, '2048'],
    ] as const) {
      const server = await startServer(options);
      try {
        for (const expected of [201, 201, 429]) {
          expect((await createUpload(server, { 'upload-length': size })).status).toBe(expected);
        }
      } finally {
        await server.close();
      }
    }
  });

  test('pages of other origins read, but upload only where that is set', async () => {
    const server = await startServer({ origins: ['https://friend.example'] });
    try {
      const statusFor = async (origin: string) => {
        const response = await createUpload(server, { 'upload-length': '1', origin });
        return [response.status, response.headers.get('access-control-allow-origin')];
      };
      expect(await statusFor('https://friend.example')).toEqual([201, 'https://friend.example']);
      expect(await statusFor('https://stranger.example')).toEqual([403, null]);
      expect((await statusFor(`http://127.0.0.1:${server.port}`))[0]).toBe(201);
      const read = await fetch(server.url, { headers: { origin: 'https://stranger.example' } });
      expect(read.headers.get('access-control-allow-origin')).toBe('*');
    } finally {
      await server.close();
    }
  });
});
