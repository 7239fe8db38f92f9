import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Site } from './site.ts';

let folder: string;
let site: Site;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-site-test-'));
  site = await Site.serve({ root: folder });
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true });
});

test.each(['initrd.gz', 'disk.img.br', 'disk.img.zst'])(
  '%s reaches a guest as it is',
  async (name) => {
    const bytes = gzipSync('contents '.repeat(1000));
    const url = await site.put(name, bytes);
    const whole = await fetch(url);
    expect(whole.headers.get('content-encoding')).toBeNull();
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(bytes);
    const part = await fetch(url, { headers: { range: 'bytes=2-5' } });
    expect(part.headers.get('content-range')).toBe(`bytes 2-5/${bytes.length}`);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(2, 6));
    const strange = await fetch(url, { headers: { range: 'bytes=5-3' } });
    expect([strange.status, Buffer.from(await strange.arrayBuffer())]).toEqual([200, bytes]);
  },
);

test('[T1] an image that is not there is named by its path, before a guest is started with it', async () => {
  const path = join(folder, 'nope.img');
  await expect(site.share(path)).rejects.toMatchObject({
    code: 'file-failed',
    message: expect.stringContaining(path),
  });
});
