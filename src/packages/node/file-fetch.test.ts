import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchFiles } from './file-fetch.ts';
import { withFileUrls } from './local-files.ts';

const { fetch: own } = globalThis;
let folder: string;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-files-'));
  await writeFile(join(folder, 'disk.img'), '0123456789');
  await writeFile(join(folder, 'empty.img'), '');
  url = pathToFileURL(join(folder, 'disk.img')).href;
  fetchFiles();
});

afterAll(async () => {
  globalThis.fetch = own;
  await rm(folder, { recursive: true });
});

const range = (bytes: string) => fetch(url, { headers: { range: `bytes=${bytes}` } });

test('a file is fetched as a whole, and by its parts', async () => {
  const whole = await fetch(url);
  expect([whole.status, await whole.text()]).toEqual([200, '0123456789']);
  const part = await range('2-4');
  expect([part.status, await part.text()]).toEqual([206, '234']);
  expect(part.headers.get('content-range')).toBe('bytes 2-4/10');
  const last = await range('8-99');
  expect([await last.text(), last.headers.get('content-range')]).toEqual(['89', 'bytes 8-9/10']);
  expect((await range('10-19')).status).toBe(416);
});

test('the head of a file says its size, and the file is not read', async () => {
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), head.body]).toEqual([200, '10', null]);
});

test('a missing file is not found, and other addresses are left to Node', async () => {
  expect((await fetch(`${url}.missing`)).status).toBe(404);
  expect(await (await fetch('data:,text')).text()).toBe('text');
});

test('paths become URLs: disks are read in parts, kernels as a whole', async () => {
  const path = join(folder, 'disk.img');
  const options = await withFileUrls({ hda: { path }, bzImage: { path }, cdrom: url });
  expect(options).toEqual({ hda: { url, load: 'range' }, bzImage: url, cdrom: url });
  await expect(withFileUrls({ fda: { path: join(folder, 'empty.img') } })).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringContaining('"fda", is empty'),
  });
});
