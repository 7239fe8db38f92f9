import { expect, test, vi } from 'vitest';
import type { MachineEvent } from '../protocol/events.ts';
import { EventStream } from './event-stream.ts';

const output = (offset: number, length = 1): MachineEvent => ({
  type: 'console',
  console: 'serial0',
  offset,
  bytes: new Uint8Array(length),
});
const graphics: MachineEvent = { type: 'screen-graphics', width: 1, height: 1 };
const microtask = () => Promise.resolve();

test('events before the first listener of their type are kept for it', async () => {
  const stream = new EventStream();
  stream.push(output(0));
  stream.push(output(1));
  const seen: number[] = [];
  stream.on('console', ({ offset }) => seen.push(offset));
  stream.push(output(2));
  await microtask();
  stream.push(output(3));
  expect(seen).toEqual([0, 1, 2, 3]);
});

test('listeners added together get the backlog in the order in which it came', async () => {
  const stream = new EventStream();
  stream.push(output(0));
  stream.push(graphics);
  stream.push(output(1));
  const seen: string[] = [];
  stream.on('screen-graphics', () => seen.push('graphics'));
  stream.on('console', ({ offset }) => seen.push(`console ${offset}`));
  await microtask();
  expect(seen).toEqual(['console 0', 'graphics', 'console 1']);
});

test('what nobody listens for yet stays', async () => {
  const stream = new EventStream();
  stream.push(graphics);
  stream.on('console', () => {});
  await microtask();
  let seen = 0;
  stream.on('screen-graphics', () => seen++);
  await microtask();
  expect(seen).toBe(1);
});

test('a listener that left gets nothing, and nothing is kept for the next one', async () => {
  const stream = new EventStream();
  const off = stream.on('console', () => expect.unreachable());
  off();
  stream.push(output(0));
  let seen = 0;
  stream.on('console', () => seen++);
  await microtask();
  expect(seen).toBe(0);
});

test('a page that never listens keeps a bounded backlog, the newest of it', async () => {
  const stream = new EventStream();
  const chunk = 1024 * 1024;
  for (let i = 0; i < 200; i++) stream.push(output(i, chunk));
  const seen: number[] = [];
  stream.on('console', ({ offset }) => seen.push(offset));
  await microtask();
  expect(seen.length).toBeLessThanOrEqual(64);
  expect(seen.at(-1)).toBe(199);
});

test('[7] what a listener throws is reported, ends no program, and the others get the event', () => {
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
  const stream = new EventStream();
  const thrown = new Error('of the user');
  let seen = 0;
  stream.on('console', () => {
    throw thrown;
  });
  stream.on('console', () => seen++);
  stream.push(output(0));
  expect(seen).toBe(1);
  expect(reported).toHaveBeenCalledWith(expect.any(String), thrown);
  reported.mockRestore();
});

test('[7] so is what an asynchronous listener fails with, and the event counts as taken', async () => {
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
  const taken = vi.fn();
  const stream = new EventStream(taken);
  const thrown = new Error('of the user, later');
  stream.on('console', () => Promise.reject(thrown));
  stream.push(output(0));
  await expect.poll(() => taken.mock.calls.length).toBe(1);
  expect(reported).toHaveBeenCalledWith(expect.any(String), thrown);
  reported.mockRestore();
});
