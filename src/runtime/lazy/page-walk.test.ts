import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bareMachine, labFirmware, loadLabRuntime } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { labHost } from '../testing/lab-host.ts';
import { LabGuest, Random } from '../testing/lab-runtime.ts';
import { type Paging, type PhysicalRam, walkPages } from './page-walk.ts';

const ramBytes = 16 << 20;
const cr0 = { protectedMode: 1, paging: 0x8000_0000 } as const;
const cr4 = { pse: 0x10, pae: 0x20 } as const;
const modes = {
  'pages of 4 KiB': 0,
  'pages of 4 KiB and 4 MiB': cr4.pse,
  'PAE, pages of 4 KiB': cr4.pae,
  'PAE, pages of 4 KiB and 2 MiB': cr4.pae | cr4.pse,
} as const;

/** The first four pages of tables, and where the others are. */
const root = 0x10_0000;
const tables = { first: 0x11_0000, count: 16 } as const;
const lookups = 400;
/** Linear addresses are near these, so that tables are met again. */
const regions = [0, 0x4000_0000, 0x8040_0000, 0xbfc0_0000, 0xffc0_0000] as const;

function absentRam(absent: (page: number) => boolean, ram?: DataView): PhysicalRam {
  return {
    isAbsent: absent,
    read32: (address) =>
      ram && address + 4 <= ram.byteLength ? ram.getInt32(address, true) : undefined,
  };
}

describe.each(v86Packages)('a walk beside that of npm package %s', (packageName) => {
  let guest: LabGuest;
  let ram: DataView;
  beforeAll(async () => {
    // v86 reports each fault that it cannot deliver.
    vi.spyOn(console, 'error').mockReturnValue(undefined);
    const runtime = await loadLabRuntime(packageName);
    guest = await LabGuest.boot(runtime, labHost(labFirmware, bareMachine));
    ram = new DataView(guest.host.memory.buffer, guest.machine.core.ramAddress, ramBytes);
  }, 120_000);
  afterAll(() => vi.restoreAllMocks());

  /** Makes random tables with all kinds of entries, and lets the CPU use them. */
  function setUp(random: Random, flags: number): Paging {
    const { cpu } = guest;
    const isPae = (flags & cr4.pae) !== 0;
    const table = () => tables.first + random.below(tables.count) * 4096;
    const entry = (target: number) =>
      (random.below(8) ? 1 : 0) | (random.below(4) << 1) | (random.below(2) << 8) | target;
    const write = (address: number, value: number) => {
      ram.setInt32(address, value, true);
      if (isPae) ram.setInt32(address + 4, 0, true);
    };
    const size = isPae ? 8 : 4;
    // One page is a directory for some addresses and a table for others.
    for (let page = root; page < tables.first + tables.count * 4096; page += 4096) {
      for (let at = page; at < page + 4096; at += size) {
        const isLarge = random.below(3) === 0 && page < tables.first;
        const frame = random.below(ramBytes >> 12) << 12;
        write(at, entry(isLarge ? 0x80 | frame : page < tables.first ? table() : frame));
      }
    }
    const pointers: number[] = [];
    for (let i = 0; i < 4; i++)
      pointers[i] = (random.below(6) ? 1 : 0) | (root + random.below(4) * 4096);
    cpu.cr[0] = cr0.protectedMode | cr0.paging;
    (cpu.protected_mode as Int32Array)[0] = 1;
    cpu.cr[3] = root;
    cpu.cr[4] = flags;
    const paging: Paging = {
      cr0: cpu.cr[0] ?? 0,
      cr3: root,
      cr4: flags,
      directoryPointer: (index) => guest.machine.core.directoryPointer(index),
    };
    const { exports } = cpu.wm;
    const global = exports.pdpte_data as unknown as WebAssembly.Global<'i32'>;
    const place = new DataView(guest.host.memory.buffer, global.value, 32);
    pointers.forEach((pointer, index) => {
      place.setInt32(index * 8, pointer, true);
    });
    return paging;
  }

  /** @returns the physical address, or undefined after a page fault */
  function ofV86(linear: number): number | undefined {
    const { cpu } = guest;
    cpu.cr[2] = ~linear;
    // Without a table of interrupts, v86 gives up the delivery of a page fault.
    cpu.idtr_size[0] = 0;
    const translate = cpu.wm.exports.translate_address_system_read_js as (at: number) => number;
    try {
      return translate(linear) >>> 0;
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(WebAssembly.RuntimeError);
      expect((cpu.cr[2] ?? 0) >>> 0, 'another fault').toBe(linear);
      return undefined;
    }
  }

  it.each(Object.entries(modes))('leads where v86 goes: %s', (_, flags) => {
    const random = new Random(0x3a1c + flags);
    const met = { pages: 0, faults: 0 };
    for (let round = 0; round < 4; round++) {
      const paging = setUp(random, flags);
      guest.cpu.full_clear_tlb();
      for (let i = 0; i < lookups / 4; i++) {
        const region = regions[random.below(regions.length)] ?? 0;
        const linear = (region + random.below(0x80_0000)) >>> 0;
        const mine = walkPages(
          linear,
          paging,
          absentRam(() => false, ram),
        );
        const physical = ofV86(linear);
        const at = `0x${linear.toString(16)}`;
        expect(mine, at).toEqual(physical === undefined ? 'fault' : { physical });
        met[physical === undefined ? 'faults' : 'pages']++;
      }
    }
    expect(Math.min(met.pages, met.faults)).toBeGreaterThan(20);
  });
});

describe('an absent page', () => {
  const ram = new DataView(new ArrayBuffer(8 << 12));
  // Directory on page 1, table on page 2, the page itself is page 3.
  ram.setInt32((1 << 12) + 4, (2 << 12) | 7, true);
  ram.setInt32((2 << 12) + 8, (3 << 12) | 7, true);
  const paging = { cr0: cr0.paging, cr3: 1 << 12, cr4: 0, directoryPointer: () => (1 << 12) | 1 };
  const linear = 0x40_2abc;

  it.each([
    [[1, 2, 3], { absent: 1 }],
    [[2, 3], { absent: 2 }],
    [[3], { absent: 3 }],
    [[4], { physical: 0x3abc }],
  ])('is met in the order of need: %s', (absent, expected) => {
    expect(
      walkPages(
        linear,
        paging,
        absentRam((page) => absent.includes(page), ram),
      ),
    ).toEqual(expected);
  });

  it('is met without paging too', () => {
    const off = { ...paging, cr0: 1 };
    const isAbsent = (page: number) => page === 0x402;
    expect(walkPages(linear, off, absentRam(isAbsent))).toEqual({ absent: 0x402 });
    expect(walkPages(0x40_3000, off, absentRam(isAbsent))).toEqual({ physical: 0x40_3000 });
  });

  it('is met at a directory pointer of PAE, which the CPU holds', () => {
    const pae = { ...paging, cr4: cr4.pae };
    expect(
      walkPages(
        0,
        pae,
        absentRam((page) => page === 1, ram),
      ),
    ).toEqual({ absent: 1 });
    const none = { ...pae, directoryPointer: () => 0 };
    expect(
      walkPages(
        0,
        none,
        absentRam(() => true, ram),
      ),
    ).toBe('fault');
  });

  it('does not hide a table in a device', () => {
    const outside = { ...paging, cr3: 0xe000_0000 };
    expect(
      walkPages(
        linear,
        outside,
        absentRam(() => false, ram),
      ),
    ).toBe('fault');
  });
});
