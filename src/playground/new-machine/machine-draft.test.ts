import { expect, test } from 'vitest';
import {
  draftOptions,
  draftProblems,
  type ImageChoice,
  type MachineDraft,
} from './machine-draft.ts';

const draft = (change: Partial<MachineDraft>): MachineDraft => ({
  boots: 'drives',
  texts: {},
  images: {},
  folder: [],
  ...change,
});
const image = (change: Partial<ImageChoice>): ImageChoice => ({
  origin: 'none',
  url: '',
  inRanges: false,
  size: '2G',
  ...change,
});
const file = new File(['x'], 'disk.img');

test('filled fields become options, and empty ones are left out', () => {
  const options = draftOptions(
    draft({
      texts: { name: '', memoryMiB: '64', acpi: 'on', bootOrder: 'cdrom,hda', cmdline: 'quiet' },
      images: {
        cdrom: image({ origin: 'file', file }),
        hda: image({ origin: 'empty', size: '64M' }),
        hdb: image({ origin: 'url', url: ' disk.img ', inRanges: true }),
        bzImage: image({ origin: 'url', url: 'not/asked/for' }),
      },
      folder: [file],
    }),
  );
  expect(options).toEqual({
    memoryMiB: 64,
    acpi: true,
    bootOrder: ['cdrom', 'hda'],
    cdrom: file,
    hda: { emptyBytes: 64 << 20 },
    hdb: { url: 'disk.img', load: 'range' },
    filesystem9p: [file],
  });
});

test('a kernel brings its initial RAM disk and command line, the demo Linux its own', () => {
  const given = {
    texts: { cmdline: 'quiet', bootOrder: 'cdrom' },
    images: {
      bzImage: image({ origin: 'url', url: 'vmlinuz' }),
      initrd: image({ origin: 'file', file }),
    },
  };
  const kernel = draftOptions(draft({ boots: 'kernel', ...given }));
  expect(kernel).toEqual({ bzImage: 'vmlinuz', initrd: file, cmdline: 'quiet' });
  const demo = draft({ boots: 'demo', ...given });
  expect(Object.keys(draftOptions(demo)).sort()).toEqual(['bzImage', 'initrd']);
  expect(draftProblems(demo)).toEqual([]);
});

test.each([
  ['boots', draft({}), /^a CD, a hard disk or a floppy/, 'missing'],
  ['cdrom', draft({ images: { cdrom: image({ origin: 'file' }) } }), /^a file/, 'not chosen yet'],
  ['fda', draft({ images: { fda: image({ origin: 'url' }) } }), /^the address/, 'empty'],
  [
    'hda',
    draft({ images: { hda: image({ origin: 'empty', size: 'big' }) } }),
    /512M or 2G/,
    '“empty:big”',
  ],
  [
    'hda',
    draft({ images: { hda: image({ origin: 'empty', size: '2048G' }) } }),
    /less than 2 TiB/,
    '“empty:2048G”',
  ],
  [
    'networkBackend',
    draft({ boots: 'demo', texts: { networkBackend: 'wsproxy:http://x/' } }),
    /ws:\/\/ or wss:/,
    '“http://x/”',
  ],
  [
    'networkBackend',
    draft({ boots: 'demo', texts: { networkBackend: 'fetch', network: 'none' } }),
    /^given only with a network device/,
    "given with 'none'",
  ],
  [
    'hdb',
    draft({ boots: 'demo', images: { hdb: image({ origin: 'file', file }) } }),
    /^given only together with hda/,
    'without it',
  ],
  ['memoryMiB', draft({ boots: 'demo', texts: { memoryMiB: 'much' } }), /16 to 2047/, '"much"'],
  [
    'cpu',
    draft({ boots: 'demo', texts: { cpu: 'cpuidLevel:99,jit:off' } }),
    /^a whole number from 1 to 22$/,
    '“99”',
  ],
])('a problem of %s is reported in the words of the dialog', (field, wrong, allowed, given) => {
  const problems = draftProblems(wrong);
  expect(problems).toEqual([{ field, allowed: expect.stringMatching(allowed), given }]);
});
