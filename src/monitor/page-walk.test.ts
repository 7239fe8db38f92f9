import { expect, test } from 'vitest';
import { readLinear, readPhysical, toPhysical } from './page-walk.ts';

const paging = 0x80000001;
const pse = 0x10;
const pae = 0x20;

function machineWith(bytes: number) {
  const memory = new Uint8Array(bytes);
  const view = new DataView(memory.buffer);
  const readMemory = async (address: number, length: number) =>
    memory.slice(address, address + length);
  return { memory, view, machine: { readMemory } };
}

test('without paging a linear address is a physical one', async () => {
  const { machine } = machineWith(0);
  expect(await toPhysical(machine, { cr0: 1, cr3: 0, cr4: 0 }, 0x1234)).toBe(0x1234);
});

test('two levels of tables, and pages of 4 MiB', async () => {
  const { machine, view } = machineWith(0x4000);
  view.setUint32(0x1000 + 4 * 0x300, 0x2000 | 1, true);
  view.setUint32(0x2000 + 4 * 5, 0x7000 | 1, true);
  view.setUint32(0x1000 + 4 * 0x301, 0x00800000 | 0x81, true);
  const registers = { cr0: paging, cr3: 0x1000, cr4: pse };
  expect(await toPhysical(machine, registers, 0xc0005123)).toBe(0x7123);
  expect(await toPhysical(machine, registers, 0xc0006000)).toBeUndefined();
  expect(await toPhysical(machine, registers, 0xc0412345)).toBe(0x812345);
  expect(await toPhysical(machine, registers, 0)).toBeUndefined();
});

test('three levels of tables with PAE, and pages of 2 MiB', async () => {
  const { machine, view } = machineWith(0x6000);
  view.setBigUint64(0x20 + 8 * 3, 0x2001n, true);
  view.setBigUint64(0x2000 + 8 * 1, 0x3001n, true);
  view.setBigUint64(0x3000 + 8 * 2, 0x8000_0000_0000_9001n, true);
  view.setBigUint64(0x2000 + 8 * 2, 0x40_0081n, true);
  const registers = { cr0: paging, cr3: 0x20, cr4: pae };
  expect(await toPhysical(machine, registers, 0xc0202abc)).toBe(0x9abc);
  expect(await toPhysical(machine, registers, 0xc0412345)).toBe(0x412345);
  expect(await toPhysical(machine, registers, 0x40000000)).toBeUndefined();
});

test('linear memory is read page by page, physical memory in pieces', async () => {
  const { machine, view, memory } = machineWith(0x400000);
  view.setUint32(0x1000, 0x2000 | 1, true);
  view.setUint32(0x2000, 0x7000 | 1, true);
  view.setUint32(0x2004, 0x5000 | 1, true);
  memory.fill(7, 0x7000, 0x8000);
  memory.fill(5, 0x5000, 0x6000);
  const registers = { cr0: paging, cr3: 0x1000, cr4: 0 } as Parameters<typeof readLinear>[1];
  expect(await readLinear(machine, registers, 0xffe, 4)).toEqual(Uint8Array.of(7, 7, 5, 5));
  await expect(readLinear(machine, registers, 0x1ffe, 4)).rejects.toThrow(
    'nothing is mapped at 0x2000',
  );
  const read = Buffer.from(await readPhysical(machine, 0x10, 0x300000));
  expect(read.equals(memory.subarray(0x10, 0x300010))).toBe(true);
});
