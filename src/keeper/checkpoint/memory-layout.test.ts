import { expect, test } from 'vitest';
import { layOutMemory, wasmPageBytes } from './memory-layout.ts';

const mib = 1024 * 1024;

test('the blocks follow the runtime without gaps, on page boundaries', () => {
  const layout = layOutMemory({ memoryMiB: 128, vgaMemoryMiB: 8 });
  expect(layout.blocks.map(({ name }) => name)).toEqual([
    'pc.ram',
    'vga.vram',
    'vga.planes',
    'runtime.parked',
    'runtime.incoming',
    'checkpoint.index',
    'keeper.present',
  ]);
  let end = layout.runtimeBytes;
  for (const { address, sizeBytes } of layout.blocks) {
    expect(address).toBe(end);
    expect(address % wasmPageBytes).toBe(0);
    expect(sizeBytes % wasmPageBytes).toBe(0);
    end += sizeBytes;
  }
  expect(layout.totalPages * wasmPageBytes).toBe(end);
});

test('guest RAM and video memory get room to spare', () => {
  const { blocks } = layOutMemory({ memoryMiB: 100, vgaMemoryMiB: 1 });
  expect(blocks[0]!.sizeBytes).toBeGreaterThanOrEqual(100 * mib + 256 * 1024);
  expect(blocks[1]!.sizeBytes).toBe(mib + 256 * 1024);
});

test('scratch memory has the same addresses and ends with the guest', () => {
  const { blocks, scratchPages } = layOutMemory({ memoryMiB: 64, vgaMemoryMiB: 2 });
  const planes = blocks.find(({ name }) => name === 'vga.planes')!;
  expect(scratchPages * wasmPageBytes).toBe(planes.address + planes.sizeBytes);
});

test('the largest guest fits what WebAssembly can address', () => {
  const { totalPages } = layOutMemory({ memoryMiB: 2047, vgaMemoryMiB: 256 });
  expect(totalPages).toBeLessThanOrEqual(65_536);
});

test.each([
  { memoryMiB: 15, vgaMemoryMiB: 8 },
  { memoryMiB: 2048, vgaMemoryMiB: 8 },
  { memoryMiB: 32.5, vgaMemoryMiB: 8 },
  { memoryMiB: Number.NaN, vgaMemoryMiB: 8 },
  { memoryMiB: 128, vgaMemoryMiB: 3 },
  { memoryMiB: 128, vgaMemoryMiB: 512 },
])('sizes that no guest can have are refused: %o', (config) => {
  expect(() => layOutMemory(config)).toThrow(expect.objectContaining({ code: 'bad-config' }));
});
