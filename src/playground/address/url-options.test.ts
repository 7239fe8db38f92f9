/// <reference path="../../build.d.ts" />

import { readFile } from 'node:fs/promises';
import type { RuntimeBuild } from 'virtual:holdfast-build';
import { expect, test, vi } from 'vitest';
import type { NetworkBackend } from '../../protocol/config.ts';
import { foreignFiles } from './url-machine.ts';
import { foreignNetwork } from './url-network.ts';
import { knownOptions, parseUrlOptions } from './url-options.ts';

const runtimes = ['0.5.462', '0.5.409'].map(
  (v86Version): RuntimeBuild => ({
    id: `${v86Version}-00000000`,
    v86Version,
    url: '',
    wasmUrl: '',
    wasmBytes: 0,
    sha256: '',
    wasmSha256: '',
  }),
);
const page = 'https://x.test/pc/';
const parse = (search: string) => parseUrlOptions(`${page}${search}`, runtimes);
const defaults = { hasMachineId: false, hasGuest: false };

test('no options at all mean Linux in the worker that lasts longest', () => {
  expect(parse('')).toEqual({
    ok: true,
    options: { guest: 'linux', host: 'auto', machineId: 'default', durable: true, ...defaults },
  });
});

test('docs/playground.md lists every option that is read, and no other', async () => {
  const text = await readFile('docs/playground.md', 'utf8');
  const table = /^\| option \|.*\n((?:\|.*\n)+)/m.exec(text)?.[1] ?? '';
  const listed = new Set([...table.matchAll(/`[?#]([\w.]+)=/g)].map(([, name = '']) => name));
  const read = new Set<string>();
  for (const ask of ['get', 'has'] as const) {
    const asked = vi.spyOn(URLSearchParams.prototype, ask);
    parse('?hda.url=a');
    parse('?filesystem.baseurl=a');
    for (const [name] of asked.mock.calls) read.add(name);
    asked.mockRestore();
  }
  // Fields that the page writes for itself.
  read.delete('opened');
  // One row is about all drives.
  const ofDrives = (names: Set<string>) =>
    new Set([...names].map((name) => name.replace(/^(?:hd[ab]|cdrom|fd[ab])\./, 'hda.')));
  expect([...ofDrives(listed)].sort()).toEqual([...ofDrives(read)].sort());
  // `send` is read behind the "#" alone.
  const known = new Set([...knownOptions.filter((name) => name !== 'opened'), 'send']);
  expect([...ofDrives(known)].sort()).toEqual([...ofDrives(read)].sort());
});

test('a misspelt option is refused with the one that was probably meant', () => {
  expect(parse('?cdrm.url=a.iso&m=256')).toEqual({
    ok: false,
    problems: [{ option: 'cdrm.url', value: 'a.iso', allowed: '', meant: 'cdrom.url' }],
  });
});

test('an option that is like none is named, unless a tracker has added it', () => {
  expect(parse('?theme=dark&utm_source=x&fbclid=y')).toMatchObject({
    ok: true,
    unknown: [{ option: 'theme', value: 'dark' }],
  });
});

test('every option is read, and those of others are left alone', () => {
  expect(
    parse(
      '?m=256&guest=pattern-text&runtime=0.5.409&host=dedicated&machine=two&durable=off&utm_source=x',
    ),
  ).toEqual({
    ok: true,
    options: {
      memoryMiB: 256,
      guest: 'pattern-text',
      runtime: runtimes[1],
      host: 'dedicated',
      machineId: 'two',
      hasMachineId: true,
      hasGuest: true,
      durable: false,
    },
  });
});

test('a runtime may be named by its id', () => {
  expect(parse('?runtime=0.5.462-00000000')).toMatchObject({ options: { runtime: runtimes[0] } });
});

test.each([
  ['?m=', 'm', 'from 80 to 2047'],
  ['?m=64', 'm', 'from 80 to 2047'],
  ['?m=12&guest=pattern-text', 'm', 'from 16 to 2047'],
  ['?m=1e3', 'm', 'whole number'],
  ['?m=-128', 'm', 'whole number'],
  ['?m=4096', 'm', 'from 80 to 2047'],
  ['?guest=windows', 'guest', 'linux, pattern-text or pattern-graphics'],
  ['?runtime=0.5.1', 'runtime', '0.5.462-00000000'],
  ['?machine=A', 'machine', 'lower-case letters'],
  ['?durable=yes', 'durable', 'on or off'],
  ['?host=shared', 'host', 'auto or dedicated'],
  ['?hda.url=', 'hda.url', 'http: or https:'],
  ['?hda.url=javascript:alert(1)', 'hda.url', 'http: or https:'],
  ['?cdrom.url=https://me:secret@x.test/a.iso', 'cdrom.url', 'http: or https:'],
  ['?hdb.url=b.img', 'hdb.url', 'with hda.url'],
  ['?initrd.url=i', 'initrd.url', 'with bzimage.url or'],
  ['?hda.url=a&hda.size=big', 'hda.size', 'number of bytes'],
  ['?hda.size=512', 'hda.size', 'with hda.url'],
  ['?hda.part_size=512', 'hda.part_size', 'with hda.url'],
  ['?hda.url=a&hda.part_size=1000', 'hda.part_size', 'multiple of 512'],
  ['?hda.url=a&hda.part_size=', 'hda.part_size', 'number of bytes'],
  ['?hda.url=a&hda.part_size=1M&hda.async=0', 'hda.async', 'with part_size'],
  ['?fda.url=a&fda.part_size=1M', 'fda.part_size', 'floppies'],
  ['?hda.empty=2T', 'hda.empty', '512M or 2G'],
  ['?hda.empty=2048G', 'hda.empty', 'less than 2 TiB'],
  ['?hda.empty=1G&hdb.empty=2048G', 'hdb.empty', 'less than 2 TiB'],
  ['?hda.url=a&hda.size=2048G', 'hda.size', 'less than 2 TiB'],
  ['?cdrom.url=a&cdrom.part_size=2048G', 'cdrom.part_size', 'less than 2 TiB'],
  ['?fda.url=a&fda.size=3841K', 'fda.size', 'at most 3840 KiB'],
  ['?fda.empty=1440K', 'fda.empty', 'left out'],
  ['?hda.empty=0', 'hda.empty', '512M or 2G'],
  ['?hda.empty=1000', 'hda.empty', 'multiple of 512'],
  ['?hda.empty=99999999999G', 'hda.empty', 'number of bytes'],
  ['?hda.empty=1G&hda.url=a', 'hda.empty', 'without hda.url'],
  ['?hdb.empty=1G', 'hdb.empty', 'with hda.url or hda.empty'],
  ['?fda.url=a&fda.async=1', 'fda.async', 'floppies'],
  ['?vram=3', 'vram', 'power of two'],
  ['?boot_order=4', 'boot_order', 'digits'],
  [`?cmdline=${'x'.repeat(2048)}`, 'cmdline', 'at most 2047 characters'],
  ['?disable_jit=maybe', 'disable_jit', 'true or false'],
  ['?acpi=yes', 'acpi', 'true or false'],
  ['?sound=loud', 'sound', 'true or false'],
  ['?keyboard=klingon', 'keyboard', 'us, gb, de'],
  ['?multiboot.url=ftp:x', 'multiboot.url', 'http: or https:'],
  ['?multiboot.url=a&bzimage.url=b', 'multiboot.url', 'without bzimage.url'],
  ['?net_device_type=e1000', 'net_device_type', 'virtio'],
  ['?mac=00:22:15:aa:bb', 'mac', 'six pairs'],
  ['?mac=', 'mac', 'six pairs'],
  ['?mac=00:22:15:aa:bb:cc&net_device_type=none', 'mac', 'with a network device'],
  ['?relay_url=https://y.test/', 'relay_url', 'wisps://'],
  ['?relay_url=wss://', 'relay_url', 'wisps://'],
  ['?relay_url=fetch:ftp://y.test/', 'relay_url', 'CORS proxy'],
  ['?relay_url=inbrowser:', 'relay_url', 'inbrowser'],
  ['?relay_url=fetch&net_device_type=none', 'relay_url', 'with a network device'],
  ['?serial_ports=5', 'serial_ports', 'from 1 to 4'],
  ['?cpuid_level=99', 'cpuid_level', 'a whole number from 1 to 22'],
  ['?virtio_console=maybe', 'virtio_console', 'true or false'],
  ['?filesystem.basefs=ftp:x', 'filesystem.basefs', 'http: or https:'],
  ['?filesystem.basefs=a&filesystem.baseurl=', 'filesystem.baseurl', 'http: or https:'],
  ['?filesystem.baseurl=a', 'filesystem.baseurl', 'with filesystem.basefs'],
  ['?filesystem.basefs=a&filesystem=0', 'filesystem.basefs', 'without filesystem=0'],
  ['?state=file:///etc/passwd', 'state', 'http: or https:'],
  ['#s=a%20b', '#s', 'complete'],
])('%s is refused, and the message says what is allowed', (search, option, allowed) => {
  const result = parse(search);
  expect(result).toMatchObject({ ok: false, problems: [{ option }] });
  if (!result.ok) expect(result.problems[0]?.allowed).toContain(allowed);
});

test('all bad options are named at once', () => {
  expect(parse('?m=1&host=x')).toMatchObject({
    problems: [{ option: 'm' }, { option: 'host' }],
  });
});

test('a machine is described in the words of v86', () => {
  const search =
    '?hda.url=disk.img&hda.async=1&hda.size=512&cdrom.url=https://y.test/a.iso&m=32&vram=16' +
    '&boot_order=213&acpi=1&sound=1&keyboard=de&cmdline=quiet%20splash&c=ls&s=uname';
  expect(parse(search)).toMatchObject({
    options: {
      memoryMiB: 32,
      machine: {
        images: {
          hda: { url: `${page}disk.img`, sizeBytes: 512, load: 'range' },
          cdrom: { url: 'https://y.test/a.iso' },
        },
        settings: {
          vgaMemoryMiB: 16,
          bootOrder: 0x213,
          acpi: true,
          sound: true,
          keyboardLayout: 'de',
          cmdline: 'quiet splash',
        },
      },
      typed: { keyboard: 'ls', serial: 'uname' },
    },
  });
});

test('a device that the boot order names twice is tried where it comes first', () => {
  expect(parse('?boot_order=113')).toMatchObject({
    options: { machine: { settings: { bootOrder: 0x13 } } },
  });
});

test('an address without machine options describes no machine', () => {
  expect(parse('?disable_jit=0')).toMatchObject({ ok: true });
  expect(parse('?disable_jit=0')).not.toHaveProperty('options.machine');
});

test('disks are split, or empty', () => {
  const search =
    '?hda.url=disk.img.zst&hda.part_size=1M&hda.size=8M&hdb.empty=2G&cdrom.url=a.iso&cdrom.part_size=262144';
  expect(parse(search)).toMatchObject({
    options: {
      machine: {
        images: {
          hda: {
            url: `${page}disk.img.zst`,
            load: 'parts',
            partBytes: 1 << 20,
            sizeBytes: 8 << 20,
          },
          hdb: { emptyBytes: 2 ** 31 },
          cdrom: { url: `${page}a.iso`, load: 'parts', partBytes: 1 << 18 },
        },
      },
    },
  });
});

test('kernels, firmware and devices are described too', () => {
  const search =
    '?multiboot.url=k&initrd.url=m&bios.url=b&vga_bios.url=v&net_device_type=virtio&serial_ports=4' +
    '&cpuid_level=2&disable_jit=1&virtio_console=0&filesystem=0';
  const url = (name: string) => ({ url: `${page}${name}` });
  expect(parse(search)).toMatchObject({
    options: {
      machine: {
        images: { multiboot: url('k'), initrd: url('m'), bios: url('b'), vgaBios: url('v') },
        settings: {
          network: 'virtio',
          serialPorts: 4,
          cpu: { cpuidLevel: 2, jit: false },
          virtioConsole: false,
          filesystem9p: false,
        },
      },
    },
  });
});

test.each<[string, NetworkBackend, string | undefined]>([
  ['none', { kind: 'none' }, undefined],
  ['', { kind: 'none' }, undefined],
  ['fetch', { kind: 'fetch' }, 'web servers'],
  ['fetch:https://y.test/?', { kind: 'fetch', corsProxy: 'https://y.test/?' }, 'https://y.test/?'],
  ['inbrowser', { kind: 'inbrowser', group: '0' }, 'machines of this browser'],
  ['inbrowser:lab', { kind: 'inbrowser', group: 'lab' }, 'lab'],
  ['ws://x.test/', { kind: 'wsproxy', url: 'ws://x.test/' }, 'ws://x.test/'],
  ['wss://x.test/r', { kind: 'wsproxy', url: 'wss://x.test/r' }, undefined],
  ['wss://x.test:444/', { kind: 'wsproxy', url: 'wss://x.test:444/' }, 'wss://x.test:444/'],
  ['wisps://x.test/', { kind: 'wisp', url: 'wisps://x.test/' }, 'cloudflare-dns.com'],
  ['wisp://y.test/', { kind: 'wisp', url: 'wisp://y.test/' }, 'wisp://y.test/'],
  ['wss://y.test\\@x.test/', { kind: 'wsproxy', url: 'wss://y.test\\@x.test/' }, 'wss://y.test'],
])(
  'the network “%s” is read, and asked about where it leads elsewhere',
  (relay, backend, shown) => {
    const parsed = parse(`?relay_url=${encodeURIComponent(relay)}&mac=00:22:15:AA:bb:0c`);
    expect(parsed).toMatchObject({
      options: { machine: { settings: { networkBackend: backend, mac: '00:22:15:AA:bb:0c' } } },
    });
    const network = foreignNetwork(backend, 'https://x.test').map(({ value }) => value);
    if (shown === undefined) expect(network).toEqual([]);
    else expect(network.join('\n')).toContain(shown);
  },
);

test('the 9p share has the files of an index', () => {
  expect(parse('?filesystem.basefs=fs.json&filesystem.baseurl=https://y.test/flat')).toMatchObject({
    options: {
      machine: {
        share: { index: `${page}fs.json`, base: 'https://y.test/flat' },
        settings: { filesystem9p: true },
      },
    },
  });
  const parsed = parse('?filesystem.basefs=https://y.test/fs.json');
  expect(parsed).toHaveProperty('options.machine.share', { index: 'https://y.test/fs.json' });
});

test('only files of other origins are to be asked about', () => {
  const parsed = parse('?bzimage.url=k&initrd.url=https://y.test/i');
  const machine = parsed.ok ? parsed.options.machine : undefined;
  expect(machine && foreignFiles(machine, 'https://x.test')).toEqual(['https://y.test/i']);
});

test.each([
  ['?filesystem.basefs=fs.json&filesystem.baseurl=flat/', []],
  ['?filesystem.basefs=https://y.test/i', ['https://y.test/i']],
  ['?filesystem.basefs=i&filesystem.baseurl=https://y.test/', ['https://y.test/']],
])('the share %s: only files from elsewhere need approval', (search, files) => {
  const parsed = parse(search);
  const machine = parsed.ok ? parsed.options.machine : undefined;
  expect(machine && foreignFiles(machine, 'https://x.test')).toEqual(files);
});

test('a state is named by the address, or held by it', () => {
  expect(parse('?state=a.holdfast')).toMatchObject({
    options: { state: { url: `${page}a.holdfast` } },
  });
  expect(parse('#s=Ab-_9')).toMatchObject({ options: { state: { payload: 'Ab-_9' } } });
});
