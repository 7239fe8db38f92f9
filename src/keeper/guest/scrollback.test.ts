import { expect, test } from 'vitest';
import { Scrollback } from './scrollback.ts';

function contents(scrollback: Scrollback, from?: number, maxBytes?: number) {
  const chunks = [...scrollback.chunks(from, maxBytes)];
  for (const [i, { offset, bytes }] of chunks.entries()) {
    const next = chunks[i + 1]?.offset ?? scrollback.end;
    expect(offset + bytes.length).toBe(next);
  }
  return { start: chunks[0]?.offset, bytes: chunks.flatMap(({ bytes }) => [...bytes]) };
}

test('a scrollback that never wrapped holds everything', () => {
  const scrollback = new Scrollback(1024 * 1024);
  const all: number[] = [];
  for (let i = 0; i < 3000; i++) {
    const piece = Uint8Array.of(i, i >> 8, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    scrollback.append(piece);
    all.push(...piece);
  }
  expect(contents(scrollback, 0, 1000)).toEqual({ start: 0, bytes: all });
});

test.each([1, 3, 7, 8, 100])('the last bytes survive wrapping, appended %i at a time', (step) => {
  const scrollback = new Scrollback(8);
  const all: number[] = [];
  for (let i = 0; i < 23; i++) {
    const piece = Uint8Array.from({ length: step }, (_, j) => i * step + j);
    scrollback.append(piece);
    all.push(...piece);
    const expected = all.slice(-8);
    expect(contents(scrollback)).toEqual({ start: all.length - expected.length, bytes: expected });
  }
});

test('a page that has a part gets the rest', () => {
  const scrollback = new Scrollback(8);
  scrollback.append(Uint8Array.of(1, 2, 3, 4, 5, 6));
  expect(contents(scrollback, 4)).toEqual({ start: 4, bytes: [5, 6] });
  expect([...scrollback.chunks(6)]).toEqual([]);
});

test('no chunk is larger than asked', () => {
  const scrollback = new Scrollback(1024 * 1024);
  scrollback.append(new Uint8Array(300_000));
  const sizes = [...scrollback.chunks()].map(({ bytes }) => bytes.length);
  expect(Math.max(...sizes)).toBe(64 * 1024);
});

test.each([0, 5, 16 * 1024, 16 * 1024 + 1, 1024 * 1024, 1024 * 1024 + 777, 5_000_000])(
  'earlier output is restored unchanged, after %i bytes',
  (end) => {
    const said = Uint8Array.from({ length: end }, (_, i) => (i * 7) ^ (i >> 8));
    const before = new Scrollback();
    before.append(said);
    const after = Scrollback.of(end, said.subarray(before.start));
    const more = Uint8Array.of(1, 2, 3);
    for (const scrollback of [before, after]) scrollback.append(more);
    const all = (scrollback: Scrollback) =>
      Buffer.concat([...scrollback.chunks()].map(({ bytes }) => bytes));
    expect([after.start, after.end]).toEqual([before.start, before.end]);
    expect(all(after).equals(all(before))).toBe(true);
  },
);
