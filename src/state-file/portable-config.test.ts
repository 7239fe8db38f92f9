import { describe, expect, test } from 'vitest';
import { contentsOf } from '../protocol/carried-contents.ts';
import { defaultConfig, type MachineConfig } from '../protocol/config.ts';
import { optionNames, optionTable } from '../protocol/options/option-table.ts';
import type { JsonObject } from '../vmstate/json.ts';
import { checkConfig, portableConfig } from './portable-config.ts';

const site = 'https://example.org/play/';
const config: MachineConfig = {
  ...defaultConfig,
  id: 'mine',
  name: 'A machine',
  durable: true,
  bios: { url: `${site}firmware/seabios.bin` },
  vgaBios: { bytes: Uint8Array.of(1, 2) },
  hda: { url: 'https://disks.example.com/a.img', sizeBytes: 512, load: 'range' },
  hdb: { emptyBytes: 1024 },
  cdrom: { file: new File(['iso'], 'debian.iso', { lastModified: 17 }) },
  networkBackend: { kind: 'wisp', url: 'wss://wisp.example.com/' },
};
const portable = portableConfig(config, site);

describe('[SF8] a configuration in a state file', () => {
  test('follows the site that it is opened on, and names what the file carries', () => {
    const there = 'http://localhost:8086/';
    const { config: opened, carried, urls } = checkConfig(portable, there);
    expect(opened).toMatchObject({
      name: 'A machine',
      bios: { url: `${there}firmware/seabios.bin` },
      hda: { url: 'https://disks.example.com/a.img', sizeBytes: 512, load: 'range' },
      hdb: { emptyBytes: 1024 },
      networkBackend: { kind: 'wisp', url: 'wss://wisp.example.com/' },
    });
    expect(opened.id).toBeUndefined();
    expect(opened.durable).toBeUndefined();
    expect([...contentsOf(config).keys()]).toEqual([...carried.keys()]);
    expect(carried.get('cdrom')).toEqual({
      kind: 'file',
      name: 'debian.iso',
      lastModifiedMs: 17,
      sizeBytes: 3,
    });
    expect(urls.map(({ purpose, isSameOrigin }) => [purpose, isSameOrigin])).toEqual([
      ['bios', true],
      ['hda', false],
      ['network', false],
      // The option whose network resolves names.
      ['network', false],
    ]);
  });

  test('[SF9] keeps the lineage of a machine, and none that is not 32 hex digits', () => {
    const lineage = '0123456789abcdef0123456789abcdef';
    const opened = checkConfig(portableConfig({ ...config, lineage }, site), site).config;
    expect(opened.lineage).toBe(lineage);
    for (const forged of ['default', lineage.toUpperCase(), `${lineage}0`, ''])
      expect(checkConfig({ ...portable, lineage: forged }, site).config.lineage).toBeUndefined();
  });

  test('keeps what the machine would boot again from, and with which CPU', () => {
    const others: Partial<MachineConfig> = {
      multiboot: { url: `${site}kernel.elf` },
      bootOrder: 0x213,
      cpu: { cpuidLevel: 2, jit: false },
      hda: { url: `${site}disk.img`, sizeBytes: 4096, load: 'parts', partBytes: 1024 },
      sound: true,
    };
    const { config: opened } = checkConfig(portableConfig({ ...config, ...others }, site), site);
    expect(opened).toMatchObject(others);
  });

  test('[3] names the server for names that is asked, in every form that a file can have', () => {
    const wisp = (dohServer: string) => ({ kind: 'wisp', url: 'wss://x.example/', dohServer });
    for (const dohServer of ['dns.example', 'https://dns.example/other', 'dns.example/a?b#c']) {
      const file = { ...portable, networkBackend: wisp(dohServer) } as JsonObject;
      const { config: opened, urls } = checkConfig(file, site);
      expect(opened.networkBackend).toEqual(wisp('dns.example'));
      expect(urls.map(({ url }) => url)).toContain('https://dns.example/dns-query');
    }
    const network = { networkBackend: wisp('dns.example:8443') } as Partial<MachineConfig>;
    const { config: again } = checkConfig(portableConfig({ ...config, ...network }, site), site);
    expect(again.networkBackend).toEqual(network.networkBackend);
  });

  test.each<[string, Record<string, unknown>]>([
    [
      'a server for names with a password',
      { networkBackend: { kind: 'wisp', url: 'wss://x.example/', dohServer: 'a:b@c.example' } },
    ],
    ['a script', { hda: { url: 'javascript:alert(1)' } }],
    ['a local file', { hda: { url: 'file:///etc/passwd' } }],
    ['a blob', { hda: { url: 'blob:https://example.org/1' } }],
    ['a user name', { hda: { url: 'https://you@example.org/' } }],
    ['a way out of the site', { hda: { url: 'site:../../secret' } }],
    ['another host by way of the site', { hda: { url: 'site://evil.example/' } }],
    [
      'a socket of another kind',
      { networkBackend: { kind: 'wsproxy', url: 'https://x.example/' } },
    ],
    ['an unknown network', { networkBackend: { kind: 'tap' } }],
    ['text for a number', { memoryMiB: '128' }],
    ['a size that is none', { hda: { emptyBytes: -1 } }],
    ['contents of another kind', { hda: { contents: { kind: 'link', name: '', sizeBytes: 1 } } }],
    ['a CPU that makes no sense', { cpu: { jit: 'no' } }],
    ['parts of no size', { hda: { url: 'https://x.example/a', load: 'parts' } }],
    ['no firmware', { bios: undefined }],
  ])('with %s is refused', (_what, spoilt) => {
    expect(() => checkConfig({ ...portable, ...spoilt } as JsonObject, site)).toThrow(
      expect.objectContaining({ code: 'bad-state-file' }),
    );
  });

  test('has nothing of what this build does not know', () => {
    const strange = JSON.parse('{"__proto__": {"acpi": true}, "onlyCprCapable": true, "evil": 1}');
    const { config: opened } = checkConfig({ ...portable, ...strange }, site);
    expect(Object.keys(opened)).not.toContain('evil');
    expect(opened.onlyCprCapable).toBeUndefined();
  });
});

test('[2] [3] [6] a file neither widens a network nor says what its machine may take', () => {
  const wide = {
    networkBackend: { kind: 'fetch', ownOrigin: true, privateAddresses: true },
    limits: { shareMiB: 2 ** 20, diskMiB: 2 ** 20 },
    foreign: false,
    durable: true,
    id: 'default',
    openedFrom: { url: site, digest: 'xxh64:0' },
  };
  const { config: opened } = checkConfig({ ...portable, ...wide } as JsonObject, site);
  expect(opened.networkBackend).toEqual({ kind: 'fetch' });
  for (const member of Object.keys(wide).slice(1)) expect(opened).not.toHaveProperty(member);
  const own = portableConfig({ ...config, ...wide } as unknown as MachineConfig, site);
  for (const member of Object.keys(wide).slice(1)) expect(own).not.toHaveProperty(member);
});

test('[SF9] a lineage travels as 32 hex digits, and is no lineage in any other form', () => {
  const lineage = '0123456789abcdef0123456789abcdef';
  const opened = (value: string) =>
    checkConfig({ ...portable, lineage: value }, site).config.lineage;
  expect(portableConfig({ ...config, lineage }, site).lineage).toBe(lineage);
  expect(opened(lineage)).toBe(lineage);
  for (const other of ['default', lineage.slice(1), `${lineage}0`, lineage.replace('0', 'g')])
    expect(opened(other)).toBeUndefined();
});

/** A value other than the default, for each option that state files hold. */
const others: Partial<MachineConfig> = {
  name: 'other',
  memoryMiB: 64,
  vgaMemoryMiB: 16,
  bios: { url: `${site}bios.bin`, sizeBytes: 4 },
  vgaBios: { url: 'https://x.example/vga.bin' },
  bzImage: { url: `${site}bzImage` },
  initrd: { url: `${site}initrd` },
  multiboot: { url: `${site}kernel` },
  cmdline: 'quiet',
  cpu: { cpuidLevel: 2, jit: false },
  hda: { url: `${site}a.img`, load: 'whole' },
  hdb: { emptyBytes: 512 },
  cdrom: { url: `${site}a.iso`, load: 'parts', partBytes: 1024 },
  fda: { url: `${site}a.ima` },
  fdb: { url: `${site}b.ima` },
  bootOrder: 0x4123,
  acpi: true,
  network: 'virtio',
  networkBackend: { kind: 'inbrowser', group: 'lab' },
  mac: '00:22:15:aa:bb:cc',
  filesystem9p: false,
  virtioConsole: false,
  sound: true,
  keyboardLayout: 'de',
  serialPorts: 4,
  suspendWhenHiddenMs: 60_000,
};

test('every option of the table that state files hold is read from one unchanged', () => {
  const held = optionNames.filter((name) => optionTable[name].inStateFile !== 'never');
  expect(Object.keys(others).sort()).toEqual([...held].sort());
  const whole = { ...defaultConfig, ...others } as MachineConfig;
  expect(checkConfig(portableConfig(whole, site), site).config).toEqual(whole);
});

test.each([
  ['memoryMiB', 8],
  ['vgaMemoryMiB', 3],
  ['serialPorts', 9],
  ['mac', '00:22'],
  ['acpi', 'on'],
  ['network', 'e1000'],
  ['suspendWhenHiddenMs', -1],
] as const)('a file whose %s is %j is refused in the words of the API', (option, value) => {
  const file = { ...portable, [option]: value } as JsonObject;
  expect(() => checkConfig(file, site)).toThrow(
    expect.objectContaining({
      code: 'bad-state-file',
      message: expect.stringContaining(`"${option}" in the configuration`),
    }),
  );
  expect(() => checkConfig(file, site)).toThrow(optionTable[option].allowed);
});

test('a bad value inside of an option is named', () => {
  const file = (spoilt: object) => () =>
    checkConfig({ ...portable, ...spoilt } as JsonObject, site);
  expect(file({ cpu: { cpuidLevel: 99 } })).toThrow('Invalid "cpu.cpuidLevel"');
  expect(file({ hda: { emptyBytes: -1 } })).toThrow('Invalid "hda.emptyBytes"');
  expect(file({ hda: { url: 'file:///etc/passwd' } })).toThrow('file:///etc/passwd');
});

test('files of earlier builds open: they hold what addresses once took, or name a newer layout', () => {
  const file = { ...portable, cmdline: 'two\nlines', bootOrder: 0x113, keyboardLayout: 'klingon' };
  const { config: opened } = checkConfig(file as JsonObject, site);
  expect(opened).toMatchObject({ cmdline: 'two\nlines', bootOrder: 0x113 });
  expect(opened.keyboardLayout).toBeUndefined();
});
