import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GuestOptions, machineConfig } from './guest-options.ts';
import { Site } from './site.ts';

let folder: string;
let site: Site;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-options-test-'));
  site = await Site.serve({ root: folder });
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true });
});

test('files by path become URLs: disks are read in parts, kernels as a whole', async () => {
  const path = join(folder, 'image.bin');
  await writeFile(path, 'contents');
  const options: GuestOptions = { base: 'pc', machine: { hda: { path }, bzImage: { path } } };
  const { hda, bzImage } = await machineConfig(options, site);
  expect(hda).toEqual({ url: expect.stringMatching(/^http:/), load: 'range' });
  expect(bzImage).toEqual({ url: expect.stringMatching(/^http:/) });
  const { url } = bzImage as { url: string };
  expect(await (await fetch(url)).text()).toBe('contents');
});
