import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { download } from '../disks/download.ts';
import { findParts } from '../disks/parts-fetch.ts';
import { fetchRange } from '../disks/range-fetch.ts';
import { checkKinds } from './image-checks.ts';

const host = { emit() {}, config: {} } as unknown as RuntimeHost;
const ascii = (text: string, sizeBytes = 8192) => {
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(new TextEncoder().encode(text));
  return bytes;
};
const page = ascii('\n<!DOCTYPE html>\n<title>Not found</title>');
const cd = new Uint8Array(40_000);
cd.set(new TextEncoder().encode('CD001'), 0x8001);
const check = (name: string, bytes: Uint8Array) => () =>
  checkKinds({ [name]: bytes }, (key) => `the ${key}`);

test.each([
  ['bios', new Uint8Array(4 << 20), /not a PC BIOS: it has 4096 KiB, .* at most 512\. UEFI/],
  [
    'bios',
    new Uint8Array(131_072),
    /the bios is not a PC firmware image \(BIOS\)\. Check the file/,
  ],
  ['bios', page, /not a PC firmware image \(BIOS\): it is a web page/],
  ['vgaBios', new Uint8Array(32_768), /not a VGA BIOS/],
  ['bzImage', ascii('\x7fELF'), /not a Linux kernel \(bzImage\): it is an ELF file/],
  ['bzImage', cd, /not a Linux kernel \(bzImage\): it is a CD image/],
  ['bzImage', page, /it is a web page, which servers send for a file that they do not have/],
  ['bzImage', new Uint8Array(0), /the bzImage is empty/],
  ['initrd', page, /not an initial RAM disk: it is a web page/],
  ['multiboot', ascii('MZ'), /not a Multiboot kernel.*; it is a program for DOS/],
])('%s that is something else is refused with what it is', (name, bytes, message) => {
  expect(check(name, bytes)).toThrow(
    expect.objectContaining({
      code: 'image-unavailable',
      message: expect.stringMatching(message),
    }),
  );
});

test('the firmware and the kernel of this site are what they should be', () => {
  for (const [name, path] of [
    ['bios', 'firmware/seabios.bin'],
    ['vgaBios', 'firmware/vgabios.bin'],
    ['bzImage', 'guests/linux/bzImage'],
    ['initrd', 'guests/linux/initrd.lz4'],
  ] as const)
    expect(check(name, readFileSync(`public/${path}`))).not.toThrow();
});

afterEach(() => vi.unstubAllGlobals());

test.each([
  [
    'is a web page by its type',
    new Response('x', { headers: { 'content-type': 'text/html' } }),
    /a web page/,
  ],
  ['is a web page by its words', new Response('<html><body>'), /a web page/],
  [
    'is not there',
    new Response('gone', { status: 404 }),
    /the server answered 404: it has no such file/,
  ],
  ['is forbidden', new Response('no', { status: 403 }), /the server answered 403/],
])('a disk whose answer %s is reported as such', async (_, response, message) => {
  vi.stubGlobal('fetch', async () => response);
  await expect(download({ url: 'https://x.test/a.img' }, host, undefined)).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringMatching(message),
  });
});

test('a site that answers everything with its page has no disk in ranges or parts', async () => {
  const answer = () => new Response('<html>', { headers: { 'content-type': 'text/html' } });
  vi.stubGlobal('fetch', async () => answer());
  await expect(fetchRange({ url: 'https://x.test/a.img' }, 0, 512)).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringMatching(/a web page/),
  });
  const parts = { url: 'https://x.test/a.img', load: 'parts', partBytes: 512 } as const;
  await expect(findParts(parts, undefined)).rejects.toMatchObject({ code: 'image-unavailable' });
});

test('a server that is away is reported as a network problem', async () => {
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('Failed to fetch');
  });
  await expect(download({ url: 'https://x.test/a.img' }, host, undefined)).rejects.toMatchObject({
    message: expect.stringMatching(/cannot be reached/),
  });
});
