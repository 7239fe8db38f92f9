import { expect, test } from 'vitest';
import { formatMemory, parseMemoryFormat } from './memory-format.ts';

const memory = Uint8Array.from({ length: 32 }, (_, index) => index + 0x30);

test('a format has a count, a radix and a size, in any order of the letters', () => {
  expect(parseMemoryFormat('/')).toEqual({ count: 1, radix: 'x', bytes: 4 });
  expect(parseMemoryFormat('/16xb')).toEqual({ count: 16, radix: 'x', bytes: 1 });
  expect(parseMemoryFormat('/4hd')).toEqual({ count: 4, radix: 'd', bytes: 2 });
  expect(parseMemoryFormat('/8c')).toEqual({ count: 8, radix: 'c', bytes: 1 });
});

test.each([
  ['/4z', "invalid char in format: 'z'"],
  ['/4i', 'there is no disassembler here'],
  ['/0x', 'the count must be from 1 to 4096'],
  ['/5000x', 'the count must be from 1 to 4096'],
])('%s is refused', (format, message) => {
  expect(() => parseMemoryFormat(format)).toThrow(message);
});

test("memory is shown in QEMU's lines", () => {
  expect(formatMemory(0x1000, memory, parseMemoryFormat('/8xw'), 8)).toEqual([
    '00001000: 0x33323130 0x37363534 0x3b3a3938 0x3f3e3d3c',
    '00001010: 0x43424140 0x47464544 0x4b4a4948 0x4f4e4d4c',
  ]);
  expect(formatMemory(0x7c00, memory.subarray(0, 10), parseMemoryFormat('/10xb'), 16)).toEqual([
    '0000000000007c00: 0x30 0x31 0x32 0x33 0x34 0x35 0x36 0x37',
    '0000000000007c08: 0x38 0x39',
  ]);
  expect(formatMemory(0, memory.subarray(0, 2), parseMemoryFormat('/2c'), 8)).toEqual([
    "00000000: '0' '1'",
  ]);
  expect(formatMemory(0, memory.subarray(0, 8), parseMemoryFormat('/1xg'), 8)).toEqual([
    '00000000: 0x3736353433323130',
  ]);
  const minusTwo = Uint8Array.of(0xfe, 0xff);
  expect(formatMemory(0, minusTwo, parseMemoryFormat('/1hd'), 8)).toEqual(['00000000:    -2']);
  expect(formatMemory(0, minusTwo, parseMemoryFormat('/1hu'), 8)).toEqual(['00000000: 65534']);
});
