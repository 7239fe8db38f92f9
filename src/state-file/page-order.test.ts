import { expect, test } from 'vitest';
import { pageBytes } from '../protocol/page-bytes.ts';
import { similarityOrder } from './page-order.ts';

/** Noise, the same for the same seed. */
function noise(seed: number, bytes: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(bytes / 4);
  let state = seed + 1;
  for (let i = 0; i < words.length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

test('pages without anything in common stay in their order', () => {
  const pages = numbers(300).map((seed) => noise(seed, pageBytes));
  expect(similarityOrder(pages)).toEqual(numbers(300));
});

test('a page refers to an earlier one that has much of the same, at any offset', () => {
  const pages = numbers(200).map((seed) => noise(seed, pageBytes));
  const moved = noise(500, pageBytes);
  moved.set(noise(3, pageBytes).subarray(0, pageBytes - 64), 64);
  const order = similarityOrder([...pages, moved, noise(501, pageBytes)]);
  expect(order.slice(0, 6)).toEqual([0, 1, 2, 3, 200, 4]);
  expect(order.at(-1)).toBe(201);
});

test('every page is there once, also where all are of one word', () => {
  const pages = numbers(300).map((word) => new Uint8Array(pageBytes).fill(word % 2));
  expect(similarityOrder(pages).toSorted((a, b) => a - b)).toEqual(numbers(300));
});
