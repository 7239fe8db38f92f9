import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../errors.ts';
import type { MachineConfig } from '../protocol/config.ts';
import { defaultConfig } from '../protocol/config.ts';
import type { DiskIdentity } from '../protocol/cpr.ts';
import type { Section } from './envelope.ts';
import { jsonLimits } from './json.ts';
import {
  type DiskSection,
  type JsonSections,
  jsonSection,
  readSection,
  sectionVersions,
  unknownSections,
} from './sections.ts';

const config: MachineConfig = {
  ...defaultConfig,
  name: 'a guest',
  bios: { url: 'https://example.org/bios' },
  vgaBios: { url: 'https://example.org/vga' },
};
const disk: DiskIdentity = {
  device: 'hda',
  sizeBytes: 1 << 30,
  base: 'https://example.org/disk',
  baseDigest: 'etag:"1"',
  generation: 7,
};

const contents: JsonSections = {
  emulator: { v86Version: '0.5.462', wasmDigest: 'xxh64:0123456789abcdef' },
  machine: {
    id: 'm1',
    name: 'a guest',
    config: JSON.parse(JSON.stringify(config)),
    runstate: 'paused',
    wasSuspended: false,
    mode: 'reboot',
    cut: 'c1',
    savedAtMs: 1_795_000_000_000,
    runtime: { id: '0.5.462-1', v86Version: '0.5.462', url: 'https://x/r', wasmUrl: 'https://x/w' },
  },
  blocks: {
    blocks: [{ name: 'pc.ram', sizeBytes: 1 << 27, digest: 'xxh64:0123456789abcdef' }],
    placement: '67112960,201592832',
  },
  disks: { disks: [disk satisfies DiskSection] },
  'disk.reads': {
    reads: [{ device: 'cdrom', start: 2048, length: 4096, command: 0xa0, byteLimit: 0x800 }],
  },
  '9p.files': { files: [[3, 1 << 20]] },
  network: {
    connections: [{ guest: '192.168.86.100:1024', remote: '10.0.0.1:80', sequence: 2 ** 32 - 1 }],
  },
  checkpoint: { machineId: 'm1', generation: 3, manifestDigest: 'xxh64:0123456789abcdef' },
  state: {
    title: 'A guest',
    createdAtMs: 1_795_000_000_000,
    machineId: 'm1',
    config: JSON.parse(JSON.stringify(config)),
    v86Version: '0.5.462',
    ranges: [{ block: 'pc.ram', offsetBytes: 65_536, pages: 32_768 }],
    base: { url: 'https://x/base.holdfast', digest: 'xxh64:0123456789abcdef' },
  },
  cut: { takenAtMs: 1_795_000_000_000, consoles: [['serial0', 17]], pieces: [['disk.hda', 3]] },
  migration: { keeperLock: 'holdfast-keeper-1', downtimeLimitMs: 300 },
};
const names = Object.keys(contents) as (keyof JsonSections)[];

const encode = (name: keyof JsonSections, value: unknown = contents[name]): Section =>
  jsonSection(name, value as never);
const raw = (name: keyof JsonSections, source: string): Section => ({
  name,
  version: sectionVersions[name],
  required: true,
  bytes: new TextEncoder().encode(source),
});

function refusal(run: () => unknown): string {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return error instanceof HoldfastError ? `${error.code}: ${error.message}` : `untyped: ${error}`;
  }
}

describe.each(names)('the section "%s"', (name) => {
  it('[JS1] is read back unchanged', () => {
    expect(readSection([encode(name)], name)).toEqual(contents[name]);
  });

  it('[JS1] refuses what is not JSON, and names the section', () => {
    for (const source of ['', '{', 'undefined', '{"a":1}x', '\ufeff{}', '\u0000'])
      expect(refusal(() => readSection([raw(name, source)], name))).toMatch(
        new RegExp(`^bad-vmstate: The section "${name}"`),
      );
    const notText = { ...raw(name, ''), bytes: Uint8Array.of(0x22, 0xff, 0x22) };
    expect(refusal(() => readSection([notText], name))).toMatch(/^bad-vmstate/);
  });

  it('[JS2] refuses what is too long, too deep or too many before it parses', () => {
    const { sectionBytes, depth, values } = jsonLimits;
    const length = name === '9p.files' ? 2 << 20 : sectionBytes;
    for (const source of [
      `"${'x'.repeat(length)}"`,
      '['.repeat(depth + 1) + ']'.repeat(depth + 1),
      `[${'0,'.repeat(name === '9p.files' ? 400_000 : values)}0]`,
    ])
      expect(refusal(() => readSection([raw(name, source)], name))).toMatch(/too (long|deep|many)/);
  });

  it('[JS3] refuses a member that it does not know, one that is missing, and one of another type', () => {
    const value = contents[name] as object;
    for (const member of Object.keys(value)) {
      const others = [{}, -1, null, [{ [member]: 1 }], 'x'.repeat(9000)];
      for (const other of others) {
        const source = JSON.stringify({ ...value, [member]: other });
        expect(
          refusal(() => readSection([raw(name, source)], name)),
          source.slice(0, 300),
        ).toMatch(new RegExp(`^bad-vmstate: The section "${name}".*malformed`));
      }
    }
    const strange = JSON.stringify({ ...value, strange: 1 });
    expect(refusal(() => readSection([raw(name, strange)], name))).toContain('strange');
    expect(refusal(() => readSection([raw(name, '{}')], name))).toMatch(/^bad-vmstate/);
  });

  it('[SE4] refuses another version of it', () => {
    const future = { ...encode(name), version: 99, required: true };
    expect(refusal(() => readSection([future], name))).toMatch(/^runtime-incompatible.*99/);
    expect(readSection([{ ...future, required: false }], name)).toBeUndefined();
  });
});

describe('sections', () => {
  it('[JS3] a wrong value is refused where it is encoded', () => {
    expect(refusal(() => encode('checkpoint', { machineId: 'm' }))).toMatch(/generation/);
  });

  it('[JS4] two blocks or two drives of one name are refused', () => {
    expect(refusal(() => encode('disks', { disks: [disk, disk] }))).toMatch(
      /each device occurs once/,
    );
    const [block] = contents.blocks.blocks;
    const twice = { ...contents.blocks, blocks: [block, block] };
    expect(refusal(() => encode('blocks', twice))).toMatch(/each name occurs once/);
  });

  it('[SE4] unknown sections: a required one is refused, an optional one is kept', () => {
    const known = encode('emulator');
    const bytes = Uint8Array.of(1, 2, 3);
    const strange: Section = { name: 'strange', version: 1, required: false, bytes };
    expect(unknownSections([known, strange])).toEqual([strange]);
    expect(refusal(() => unknownSections([known, { ...strange, required: true }]))).toMatch(
      /^runtime-incompatible.*"strange"/,
    );
    expect(refusal(() => unknownSections([{ ...known, version: 9 }]))).toMatch(
      /^runtime-incompatible.*"emulator"/,
    );
  });

  it('[SE4] names of JavaScript members are names like any other', () => {
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect(
        unknownSections([{ name, version: 1, required: false, bytes: new Uint8Array(0) }]),
      ).toHaveLength(1);
  });
});
