import { afterEach, expect, test, vi } from 'vitest';
import type { DriveName, DriveSource } from '../../protocol/config.ts';
import { diskLimit } from '../../protocol/disk-size.ts';
import { labHost } from '../testing/lab-host.ts';
import { floppySize } from './floppy-size.ts';
import { openMedia, openMedium } from './medium.ts';

afterEach(() => vi.unstubAllGlobals());

const open = (device: DriveName, source: DriveSource) =>
  openMedium(device, source, labHost({}), undefined);

test.each<[string, DriveName, DriveSource, string]>([
  [
    'a server that cannot be reached',
    'hda',
    { url: 'http://127.0.0.1:1/disk.img', load: 'range' },
    'image-unavailable',
  ],
  ['an image with nothing in it', 'cdrom', { bytes: new Uint8Array(0) }, 'image-unavailable'],
  ['a floppy of 10 MB', 'fda', { file: new Blob([new Uint8Array(10 << 20)]) }, 'bad-config'],
  ['an empty disk of 2 TiB', 'hda', { emptyBytes: 2 ** 41 }, 'bad-config'],
  ['an empty floppy of 2 TiB', 'fda', { emptyBytes: 2 ** 41 }, 'bad-config'],
  ['an empty disk of half a sector', 'hda', { emptyBytes: 256 }, 'bad-config'],
  ['an address alone', 'cdrom', 'images/debian.iso' as never, 'bad-config'],
  ['a medium of no kind', 'cdrom', { empty: 1024 } as never, 'bad-config'],
  ['no medium at all', 'hda', null as never, 'bad-config'],
  ['an empty disk without a size', 'hda', { emptyBytes: Number.NaN }, 'bad-config'],
])('%s is refused', async (_, device, source, code) => {
  await expect(open(device, source)).rejects.toMatchObject({ code });
});

test('a second disk needs a first one', async () => {
  const host = labHost({}, { hdb: { emptyBytes: 1 << 20 } });
  await expect(openMedia(host, undefined)).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringContaining('hda'),
  });
});

test('a floppy that is put back finds what was written to it, another one does not', async () => {
  const image = (first: number) => ({ bytes: new Uint8Array(1440 * 1024).fill(first, 0, 1) });
  const [a, again, other] = await Promise.all([1, 1, 2].map((first) => open('fda', image(first))));
  expect(again?.overlay).toBe(a?.overlay);
  expect(other?.overlay).not.toBe(a?.overlay);
});

test('a disk is opened once in a machine, for all of its runtimes', async () => {
  const host = labHost({}, { hda: { emptyBytes: 1 << 20 } });
  const media = await openMedia(host, undefined);
  expect(media.hda).toMatchObject({ base: 'empty', sizeBytes: 1 << 20, overlay: 'disk.hda' });
  expect(await openMedia(host, undefined)).toBe(media);
});

test('a disk of one sector less than 2 TiB is accepted, and so is the largest floppy', async () => {
  const largest = diskLimit('hda').bytes;
  expect(await open('hda', { emptyBytes: largest })).toMatchObject({ sizeBytes: 2 ** 41 - 512 });
  const floppy = diskLimit('fda').bytes;
  expect(floppySize(floppy)).toBe(floppy);
  expect(floppySize(floppy + 1)).toBeUndefined();
});

const loads: [string, DriveSource][] = [
  ['whole', { url: 'https://site.test/account' }],
  ['in ranges', { url: 'https://site.test/account', load: 'range' }],
  ['in parts', { url: 'https://site.test/account', load: 'parts', partBytes: 512 }],
];
test.each(loads)(
  '[2] a stranger’s disk, %s, is not asked for as the visitor of the page',
  async (_, source) => {
    const asked: (RequestInit | undefined)[] = [];
    vi.stubGlobal('location', new URL('https://site.test/play/keeper.js'));
    vi.stubGlobal('fetch', async (_url: string, init?: RequestInit) => {
      asked.push(init);
      const headers = { 'content-range': 'bytes 0-511/512' };
      const isRange = new Headers(init?.headers).has('range');
      return new Response(new Uint8Array(512), isRange ? { status: 206, headers } : {});
    });
    const openAs = (foreign: boolean) =>
      openMedium('hda', sized(source), labHost({}, { foreign }), undefined);
    await openAs(true);
    expect(asked.map((init) => init?.credentials)).toEqual(asked.map(() => 'omit'));
    const { length } = asked;
    await openAs(false);
    expect(asked.slice(length).map((init) => init?.credentials)).toEqual([undefined]);
  },
);

/** Requests no more than one part. */
const sized = (source: DriveSource): DriveSource => ({ ...source, sizeBytes: 512 }) as DriveSource;
