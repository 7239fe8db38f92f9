import { expect, test } from 'vitest';
import { checkOptions, requireOptions } from './check-options.ts';
import type { MachineOptions } from './machine-options.ts';
import { optionNames, optionTable } from './option-table.ts';
import { textOptions } from './text-options.ts';

const bootable: MachineOptions = { cdrom: 'debian.iso' };
const bytes = new Uint8Array(512);
const file = new Blob([bytes]);
/** Node's Blobs end at 4 GiB, and only the size is checked. */
const hugeFile = Object.defineProperty(new Blob([bytes]), 'size', { value: 2 ** 41 });

const good: MachineOptions[] = [
  bootable,
  { memoryMiB: 16, vgaMemoryMiB: 256, hda: { emptyBytes: 512 }, fda: bytes },
  { bzImage: 'vmlinuz', initrd: file, cmdline: 'console=ttyS0', memoryMiB: 80 },
  { multiboot: bytes.buffer, initrd: 'module' },
  { hda: { url: 'disk.img', load: 'range' }, hdb: { file }, bootOrder: ['hda', 'network'] },
  { hda: { url: 'disk.img.zst', load: 'parts', partBytes: 1 << 20 } },
  { hda: new URL('http://localhost/disk.img'), cpu: { cpuidLevel: 2, jit: false } },
  { ...bootable, network: 'virtio', networkBackend: 'fetch', mac: '00:22:15:aA:bb:cc' },
  { ...bootable, networkBackend: { kind: 'wisp', url: 'wss://host/', dohServer: 'dns.example' } },
  { ...bootable, networkBackend: { kind: 'inbrowser', group: 'lab' } },
  { ...bootable, networkBackend: { kind: 'wsproxy', url: 'ws://host/' } },
  { ...bootable, network: 'none', networkBackend: 'none' },
  { ...bootable, filesystem9p: { index: 'fs.json', base: 'flat/' }, serialPorts: 4 },
  { ...bootable, filesystem9p: { files: [{ path: 'a/b', file }] }, virtioConsole: false },
  { bootOrder: ['network'], name: '', durable: true, acpi: true, suspendWhenHiddenMs: 0 },
  { bios: bytes, vgaBios: 'vgabios.bin', onlyCprCapable: true },
  { ...bootable, limits: { shareMiB: 1, diskMiB: 2 ** 20 } },
];

test.each(good.map((options) => [JSON.stringify(options), options] as const))(
  '%s is good',
  (_, options) => expect(checkOptions(options)).toEqual([]),
);

const badImages = [
  '',
  'http://',
  'ftp://host/disk.img',
  new Uint8Array(0),
  new Blob([]),
  5,
  true,
  null,
  {},
  { url: '' },
  { bytes: [] },
];
const badDisks = [
  ...badImages,
  { emptyBytes: 0 },
  { emptyBytes: 1000 },
  { emptyBytes: 2 ** 60 },
  { emptyBytes: 2 ** 41 },
  { url: 'disk.img', sizeBytes: 2 ** 41 },
  { url: 'disk.img', load: 'range', sizeBytes: 2 ** 41 },
  { file: hugeFile },
  hugeFile,
  { emptyBytes: 512, url: 'disk.img' },
  { url: 'disk.img', load: 'lazily' },
  { url: 'disk.img', load: 'parts' },
  { url: 'disk.img', load: 'parts', partBytes: 1000 },
  { url: 'disk.img', sizeBytes: -1 },
  { file: 'disk.img' },
];
const badFlags = ['on', 1, 0, null];

/** Refused values of each option. */
const bad: Record<keyof MachineOptions, readonly unknown[]> = {
  name: [5, null, {}],
  memoryMiB: [15, 2048, 128.5, Number.NaN, '128', null],
  vgaMemoryMiB: [0, 3, 512, 1.5, '8'],
  cpu: [{ cpuidLevel: 0 }, { cpuidLevel: 1.5 }, { jit: 'off' }, { cores: 2 }, 2],
  acpi: badFlags,
  bootOrder: [[], ['usb'], ['hda', 'hda'], 'hda', ['hdb']],
  bios: badImages,
  vgaBios: badImages,
  bzImage: badImages,
  multiboot: badImages,
  initrd: badImages,
  cmdline: [5, 'two\nlines', 'x'.repeat(2048)],
  hda: badDisks,
  hdb: badDisks,
  cdrom: badDisks,
  fda: badDisks,
  fdb: badDisks,
  filesystem9p: ['fs.json', 1, { base: 'flat/' }, { files: [{ path: '', file }] }, ['a']],
  serialPorts: [0, 5, 1.5, '2'],
  sound: badFlags,
  keyboardLayout: ['', 'DE', 'klingon', 1, null],
  virtioConsole: badFlags,
  network: ['e1000', '', true, null],
  networkBackend: [
    'wisp',
    'relay',
    { kind: 'wisp' },
    { kind: 'wisp', url: 'http://host/' },
    { kind: 'wisp', url: 'host' },
    { kind: 'inbrowser', group: '' },
    { kind: 'wsproxy', url: 'wisp://host/' },
    { kind: 'fetch', corsProxy: 'ftp://host/' },
    { kind: 'none', url: 'ws://host/' },
  ],
  mac: ['', '00:22:15:aa:bb', '00-22-15-aa-bb-cc', 'zz:22:15:aa:bb:cc', 5],
  durable: badFlags,
  suspendWhenHiddenMs: [-1, Number.NaN, Number.POSITIVE_INFINITY, '0'],
  limits: [{}, { shareMiB: 0 }, { diskMiB: 1.5 }, { ramMiB: 5 }, 5].slice(1),
  onlyCprCapable: badFlags,
};

const cases = Object.entries(bad).flatMap(([option, values]) =>
  values.map((value) => [option as keyof MachineOptions, value] as const),
);
test.each(cases)('%s: %j is refused, and the message says what is allowed', (option, value) => {
  const options = { ...bootable, ...(option === 'hdb' && { hda: 'disk.img' }), [option]: value };
  expect(checkOptions(options)).toMatchObject([{ option, allowed: optionTable[option].allowed }]);
  expect(() => requireOptions(options)).toThrow(
    expect.objectContaining({
      code: 'bad-config',
      message: expect.stringContaining(
        `The option "${option}" may be ${optionTable[option].allowed}`,
      ),
    }),
  );
});

test.each([
  ['multiboot', { bzImage: 'a', multiboot: 'b' }],
  ['initrd', { ...bootable, initrd: 'a' }],
  ['cmdline', { ...bootable, cmdline: 'a' }],
  ['hdb', { ...bootable, hdb: 'a' }],
  ['memoryMiB', { bzImage: 'a', initrd: 'b', memoryMiB: 79 }],
  ['networkBackend', { ...bootable, network: 'none', networkBackend: 'fetch' }],
  ['mac', { ...bootable, network: 'none', mac: '00:22:15:aa:bb:cc' }],
  ['what it boots', {}],
  ['what it boots', { fdb: 'a', bootOrder: ['fda'] }],
])('%s is named when options do not go together: %j', (option, options) => {
  expect(checkOptions(options).map((problem) => problem.option)).toEqual([option]);
});

test('an option that there is not is named, and so are those that there are', () => {
  expect(() => requireOptions({ ...bootable, memory: 128 })).toThrow(
    /The option "memory" may be one of the options name, memoryMiB,.*; it is 128\./,
  );
  expect(() => requireOptions('debian.iso')).toThrow(/"options" may be an object/);
});

test('all problems are reported at once', () => {
  const problems = checkOptions({ memoryMiB: 1, serialPorts: 9, network: 'e1000' });
  expect(problems.map(({ option }) => option)).toEqual(['memoryMiB', 'serialPorts', 'network']);
});

test.each([
  ['memoryMiB', '256', 256],
  ['MEMORYMIB', '256', 256],
  ['hda', 'https://host/disk.img', 'https://host/disk.img'],
  ['hda', 'range:disk.img', { url: 'disk.img', load: 'range' }],
  ['hda', 'parts:1M:disk.img', { url: 'disk.img', load: 'parts', partBytes: 1048576 }],
  ['hda', 'empty:2G', { emptyBytes: 2147483648 }],
  ['hda', 'empty:2199023255040', { emptyBytes: 2 ** 41 - 512 }],
  ['bootorder', 'cdrom, hda', ['cdrom', 'hda']],
  ['acpi', '', true],
  ['acpi', 'off', false],
  ['sound', '1', true],
  ['keyboardlayout', 'pt-br', 'pt-br'],
  ['networkbackend', 'fetch', 'fetch'],
  ['networkbackend', 'fetch:https://proxy/', { kind: 'fetch', corsProxy: 'https://proxy/' }],
  ['networkbackend', 'wisp://host/', { kind: 'wisp', url: 'wisp://host/' }],
  ['networkbackend', 'wisp:wss://host/', { kind: 'wisp', url: 'wss://host/' }],
  ['networkbackend', 'wisps://host/', { kind: 'wisp', url: 'wisps://host/' }],
  ['networkbackend', 'inbrowser:lab', { kind: 'inbrowser', group: 'lab' }],
  ['networkbackend', 'wsproxy:wss://host/', { kind: 'wsproxy', url: 'wss://host/' }],
  ['cpu', 'cpuidLevel:2,jit:off', { cpuidLevel: 2, jit: false }],
  ['filesystem9p', 'off', false],
  ['filesystem9p', 'fs.json', { index: 'fs.json' }],
] as const)('as text, %s=%s is an option', (name, text, value) => {
  const options = textOptions([[name, text]]);
  expect(Object.values(options)).toEqual([value]);
  const known = Object.keys(options)[0] as keyof MachineOptions;
  expect(optionNames).toContain(known);
  expect(checkOptions({ ...bootable, ...options })).toEqual([]);
});

test.each([
  ['memoryMiB', 'much'],
  ['memoryMiB', ''],
  ['hda', 'empty:some'],
  ['hda', 'empty:2048G'],
  ['hdb', 'empty:2048G'],
  ['fda', 'empty:2048G'],
  ['fda', 'empty:1G'],
  ['hda', 'parts:x:disk.img'],
  ['bootOrder', 'usb'],
  ['acpi', 'maybe'],
  ['networkBackend', 'carrier-pigeon'],
  ['cpu', 'cores:2'],
])('as text, %s=%s is refused as the option that it is', (name, text) => {
  const options = { ...bootable, ...textOptions([[name, text]]) };
  expect(checkOptions(options).map(({ option }) => option)).toEqual([name]);
});

test('unknown options are ignored', () => {
  expect(
    textOptions([
      ['class', 'wide'],
      ['machine', 'two'],
    ]),
  ).toEqual({});
});
