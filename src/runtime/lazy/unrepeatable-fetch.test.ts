import { expect, it } from 'vitest';
import { isUnrepeatableFetch } from './unrepeatable-fetch.ts';

const end = 0x5000;
const ip = (address: number) => Int32Array.of(address);

function isUnrepeatable(code: number[], next = end, linear = next): boolean {
  const bytes = new Map(code.map((byte, i) => [end - code.length + i, byte]));
  const read32 = (at: number) =>
    [0, 1, 2, 3].reduce((word, i) => word | ((bytes.get(at + i) ?? 0) << (8 * i)), 0);
  const cpu = { instruction_pointer: ip(next), previous_ip: ip(end - code.length) };
  return isUnrepeatableFetch(cpu, { read32 }, linear);
}

it.each([
  ['POP [EDI + disp32]', [0x8f, 0x87], true],
  ['POP with prefixes', [0x66, 0x26, 0x8f, 0x80], true],
  ['MOV', [0x8b, 0x87], false],
  ['prefixes alone', [0x66, 0x2e], false],
])('the rest of %s on the next page', (_, code, expected) => {
  expect(isUnrepeatable(code)).toBe(expected);
});

it('data of a POP, and code within a page, can be fetched again', () => {
  expect(isUnrepeatable([0x8f, 0x87], end, 0x9000)).toBe(false);
  expect(isUnrepeatable([0x8f, 0x87, 0, 0], end - 2)).toBe(false);
});
