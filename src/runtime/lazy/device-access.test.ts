import { expect, it } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import { guardDeviceAccess } from './device-access.ts';
import { GuestRam } from './guest-ram.ts';

type Cpu = Parameters<typeof guardDeviceAccess>[0];

const pages = 16;
const ramAddress = 65536;

/** A CPU whose devices see bytes of 1 in pages that are present, and of 0 elsewhere. */
function machine(absent: readonly number[]) {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  const present = new Uint8Array(memory.buffer, 0, pages).fill(1);
  const mem8 = new Uint8Array(memory.buffer, ramAddress, pages * 4096).fill(1);
  const brought: number[] = [];
  const put = (page: number) => {
    mem8.fill(1, page * 4096, (page + 1) * 4096);
    present[page] = 1;
  };
  for (const page of absent) {
    present[page] = 0;
    mem8.fill(0, page * 4096, (page + 1) * 4096);
  }
  const read = (address: number, length: number) => mem8.slice(address, address + length);
  const cpu = {
    mem8,
    read8: (address: number) => mem8[address] ?? 0,
    read16: (address: number) => new DataView(read(address, 2).buffer).getUint16(0, true),
    read32s: (address: number) => new DataView(read(address, 4).buffer).getInt32(0, true),
    write8: (address: number, value: number) => mem8.set([value], address),
    write16: (address: number, value: number) => mem8.set([value, value >> 8], address),
    write32: (address: number, value: number) =>
      mem8.set([value, value >> 8, value >> 16, value >> 24], address),
    read_blob: (address: number, length: number) => mem8.subarray(address, address + length),
    write_blob: (bytes: Uint8Array, address: number) => mem8.set(bytes, address),
    zero_memory: (address: number, length: number) => mem8.fill(0, address, address + length),
  } as unknown as Cpu;
  const source = {
    map: { address: 0, pages },
    want() {},
    bringNow(needed: readonly number[]) {
      brought.push(...needed);
      for (const page of needed) put(page);
    },
  };
  const ram = new GuestRam(memory, ramAddress, source);
  return { cpu, ram, present, brought, mem8, source, end: guardDeviceAccess(cpu, ram) };
}

const word = 0x0101_0101;

it.each([
  ['read8', (cpu: Cpu) => expect(cpu.read8(0x3000)).toBe(1)],
  ['read16', (cpu: Cpu) => expect(cpu.read16(0x2fff)).toBe(0x0101)],
  ['read32s', (cpu: Cpu) => expect(cpu.read32s(0x2ffd)).toBe(word)],
  ['write8', (cpu: Cpu) => cpu.write8(0x3001, 7)],
  ['write16', (cpu: Cpu) => cpu.write16(0x3001, 7)],
  ['write32', (cpu: Cpu) => cpu.write32(0x2ffe, 7)],
  ['read_blob', (cpu: Cpu) => expect(cpu.read_blob(0x3ffe, 9)).toEqual(new Uint8Array(9).fill(1))],
  ['write_blob', (cpu: Cpu) => cpu.write_blob(new Uint8Array(9), 0x3ff0)],
  ['zero_memory', (cpu: Cpu) => cpu.zero_memory(0x3ff0, 9)],
  [
    'mem8.subarray',
    (cpu: Cpu) => expect(cpu.mem8.subarray(0x3ff0, 0x3ff4)).toEqual(new Uint8Array(4).fill(1)),
  ],
])('%s gets an absent page at once, and only that', (_, use) => {
  const { cpu, brought, present } = machine([3, 5]);
  use(cpu);
  expect(brought).toEqual([3]);
  expect([present[3], present[5]]).toEqual([1, 0]);
});

it('a transfer does not bring the pages that it replaces, and none is replaced afterwards', () => {
  const { cpu, brought, present, mem8 } = machine([2, 3, 4, 5]);
  cpu.write_blob(new Uint8Array(0x2800).fill(9), 0x2c00);
  // The first and the last are written in part.
  expect(brought).toEqual([2, 5]);
  expect([2, 3, 4, 5].map((page) => present[page])).toEqual([1, 1, 1, 1]);
  expect([0x2bff, 0x2c00, 0x4fff, 0x53ff, 0x5400].map((at) => mem8[at])).toEqual([1, 9, 9, 9, 1]);
});

it('memory outside of RAM, such as VGA memory, is not requested', () => {
  const { cpu, brought } = machine([0]);
  cpu.read8(0xe000_0000 | 0);
  cpu.read8(pages * 4096);
  expect(brought).toEqual([]);
});

it('an access whose page does not come is not made', () => {
  const { cpu, source, mem8 } = machine([3]);
  source.bringNow = () => {};
  expect(() => cpu.write_blob(Uint8Array.of(7), 0x3000)).toThrow(HoldfastError);
  expect(mem8[0x3000]).toBe(0);
});

it('after the end devices use memory as before', () => {
  const { cpu, end, brought, mem8 } = machine([3]);
  const { read8 } = cpu;
  end();
  expect(cpu.read8).not.toBe(read8);
  cpu.read8(0x3000);
  cpu.mem8.subarray(0x3000, 0x3001);
  expect(brought).toEqual([]);
  expect(Object.hasOwn(mem8, 'subarray')).toBe(false);
});
