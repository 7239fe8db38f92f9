import { expect, test } from 'vitest';
import { pageBytes } from '../protocol/page-bytes.ts';
import type { ImportPages } from '../protocol/state-transfer.ts';
import { randomSource } from '../vmstate/testing/mutate.ts';
import type { StatePart } from './format/state-part.ts';
import { joinPages } from './joined-pages.ts';
import { Memory } from './testing/guest.ts';

const pages = 64;

function groupOf(next: (below: number) => number): ImportPages {
  const list = (most: number, width = 1) =>
    Uint32Array.from({ length: next(most) * width }, () => next(pages));
  const numbers = list(4);
  const xorNumbers = list(3);
  const bytes = (count: number) =>
    new Uint8Array(count * pageBytes).map(() => next(256)).subarray(0, count * pageBytes);
  return {
    kind: 'pages',
    numbers,
    contents: bytes(numbers.length),
    uniform: list(3, 2),
    xorNumbers,
    xor: bytes(xorNumbers.length),
    copies: list(3, 2),
  };
}

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function joined(groups: readonly StatePart[]): Promise<StatePart[]> {
  const out: StatePart[] = [];
  for await (const part of joinPages(each(groups))) out.push(part);
  return out;
}

function memoryAfter(groups: readonly StatePart[]): Uint8Array {
  const memory = new Memory(pages);
  for (const group of groups) if (group.kind === 'pages') memory.put(group);
  return memory.bytes;
}

test('joined groups leave the same memory as one after the other', async () => {
  const next = randomSource(9);
  let least = 0;
  for (let round = 0; round < 60; round++) {
    const groups = Array.from({ length: 6 }, () => groupOf(next));
    const expected = memoryAfter(groups);
    const parts = await joined(groups);
    least += groups.length - parts.length;
    expect(Buffer.compare(memoryAfter(parts), expected)).toBe(0);
  }
  expect(least).toBeGreaterThan(60);
});

test('groups that only have contents become few messages', async () => {
  const none = new Uint32Array();
  const groups = Array.from({ length: 40 }, (_, i) => ({
    ...groupOf(() => 0),
    numbers: Uint32Array.from({ length: 64 }, (_unused, at) => (i * 64 + at) % pages),
    contents: new Uint8Array(64 * pageBytes),
    uniform: none,
  }));
  expect((await joined(groups)).length).toBe(3);
});
