import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { multibootKernel } from '../../../tools/guests/multiboot/multiboot-kernel.ts';
import { loadCodec } from '../../state-file/format/codec.ts';
import { guessImage } from './guess-image.ts';

const bootSector = (size: number, change: (bytes: Uint8Array) => void = () => {}) => {
  const bytes = new Uint8Array(size);
  bytes.set([0x55, 0xaa], 510);
  change(bytes);
  return bytes;
};
const iso = new Uint8Array(64 * 1024);
iso.set(new TextEncoder().encode('CD001'), 32769);
/** A hybrid image, which boots from a USB stick too. */
const hybrid = iso.slice();
hybrid.set([0x55, 0xaa], 510);
const partitioned = bootSector(1 << 20, (bytes) =>
  bytes.set([0x80, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 9], 446),
);
const gzip = Uint8Array.of(0x1f, 0x8b, 8, 0);

test.each([
  ['disc.dat', iso, 'cdrom'],
  ['hybrid.img', hybrid, 'cdrom'],
  ['empty.img', new Uint8Array(1440 * 1024), 'fda'],
  ['boot.bin', bootSector(512), 'fda'],
  ['small-disk.img', partitioned, 'hda'],
  ['disk.img', bootSector(4 << 20), 'hda'],
  ['zeros.raw', new Uint8Array(8 << 20), 'hda'],
  ['disk.img.gz', gzip, 'hda'],
  ['debian.iso.zst', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), 'cdrom'],
  ['initrd.gz', gzip, 'initrd'],
  ['kernel.elf', Buffer.from(multibootKernel, 'base64'), 'multiboot'],
  ['mine.holdfast', new Uint8Array(100), 'state'],
  ['of-the-first-release.vmstate', new Uint8Array(100), 'state'],
  ['shared.dat', new TextEncoder().encode('HOLDSTAT…'), 'state'],
  ['saved.dat', Uint8Array.of(0x76, 0x86, 0x76, 0x86), 'v86State'],
  ['letter.pdf', new TextEncoder().encode('%PDF-1.7'), undefined],
  ['nothing.iso', new Uint8Array(0), undefined],
])('%s is found out', async (name, bytes, kind) => {
  expect(await guessImage(new File([bytes as Uint8Array<ArrayBuffer>], name))).toBe(kind);
});

test('a state of v86 is found in a zstd file of any name', async () => {
  const { compress } = await loadCodec();
  const state = new Uint8Array(1 << 20);
  state.set([0x76, 0x86, 0x76, 0x86]);
  const guess = (bytes: Uint8Array<ArrayBuffer>) => guessImage(new File([bytes], 'disk.img.zst'));
  expect(await guess(compress(state, 19))).toBe('v86State');
  expect(await guess(compress(new Uint8Array(1 << 20), 19))).toBe('hda');
  expect(await guess(compress(state, 19).slice(0, 10))).toBe('hda');
});

test('a Linux kernel is found under any name', async () => {
  const kernel = await readFile('public/guests/linux/bzImage');
  expect(await guessImage(new File([kernel], 'thing.img'))).toBe('bzImage');
});

test('only the beginning of a large file is read', async () => {
  const file = new File([bootSector(512)], 'disk.img');
  const read: [number?, number?][] = [];
  const large = Object.create(file, {
    name: { value: 'disk.img' },
    size: { value: 2 ** 40 },
    slice: {
      value: (start: number, end: number) => {
        read.push([start, end]);
        return file.slice(start, end);
      },
    },
  });
  expect(await guessImage(large)).toBe('hda');
  expect(read).toEqual([[0, 32774]]);
});
