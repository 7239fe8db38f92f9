import { expect, test, vi } from 'vitest';
import type { MachineEvent } from '../protocol/events.ts';
import { ConsoleLog } from './console-log.ts';
import { EventStream } from './event-stream.ts';

const output = (offset: number, length = 1): MachineEvent => ({
  type: 'console',
  console: 'serial0',
  offset,
  bytes: new Uint8Array(length),
});
const graphics: MachineEvent = { type: 'screen-graphics', width: 1, height: 1 };
/** A stream behind its log, as a machine has it. */
function makeStream(taken?: (event: MachineEvent) => void) {
  const log = new ConsoleLog();
  const stream = new EventStream(log, taken);
  const push = (event: MachineEvent) => {
    if (event.type === 'console') log.push(event.console, event.offset, event.bytes, event.again);
    stream.push(event);
  };
  return { stream, push };
}

const microtask = () => Promise.resolve();

test('events before the first listener of their type are kept for it', async () => {
  const { stream, push } = makeStream();
  push(output(0));
  push(output(1));
  const seen: [offset: number, length: number][] = [];
  stream.on('console', ({ offset, bytes }) => seen.push([offset, bytes.length]));
  push(output(2));
  await microtask();
  push(output(3));
  expect(seen).toEqual([
    [0, 3],
    [3, 1],
  ]);
});

test('listeners added together get the backlog in the order in which it came', async () => {
  const { stream, push } = makeStream();
  push(output(0));
  push(graphics);
  push(output(1));
  const seen: string[] = [];
  stream.on('screen-graphics', () => seen.push('graphics'));
  stream.on('console', ({ offset }) => seen.push(`console ${offset}`));
  await microtask();
  expect(seen).toEqual(['console 0', 'graphics', 'console 1']);
});

test('events stay until there is a listener', async () => {
  const { stream, push } = makeStream();
  push(graphics);
  stream.on('console', () => {});
  await microtask();
  let seen = 0;
  stream.on('screen-graphics', () => seen++);
  await microtask();
  expect(seen).toBe(1);
});

test('a listener that left gets nothing, and nothing is kept for the next one', async () => {
  const { stream, push } = makeStream();
  const off = stream.on('console', () => expect.unreachable());
  off();
  push(output(0));
  let seen = 0;
  stream.on('console', () => seen++);
  await microtask();
  expect(seen).toBe(0);
});

test('console output without a listener is kept once, in the log, the newest of it', async () => {
  const { stream, push } = makeStream();
  const length = 1024 * 1024;
  for (let i = 0; i < 20; i++) push(output(i * length, length));
  let bytes = 0;
  let end = 0;
  stream.on('console', (event) => {
    bytes += event.bytes.length;
    end = event.offset + event.bytes.length;
  });
  await microtask();
  expect(bytes).toBeLessThanOrEqual(2 * length);
  expect(end).toBe(20 * length);
});

test('a page that never listens keeps a bounded backlog, the newest of it', async () => {
  const { stream, push } = makeStream();
  const frame = (width: number): MachineEvent => ({
    type: 'screen-frame',
    x: 0,
    y: 0,
    width,
    height: 1,
    pixels: new Uint8ClampedArray(1024 * 1024),
  });
  for (let i = 0; i < 200; i++) push(frame(i));
  const seen: number[] = [];
  stream.on('screen-frame', ({ width }) => seen.push(width));
  await microtask();
  expect(seen.length).toBeLessThanOrEqual(64);
  expect(seen.at(-1)).toBe(199);
});

test('[7] what a listener throws is reported, ends no program, and the others get the event', () => {
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
  const { stream, push } = makeStream();
  const thrown = new Error('of the user');
  let seen = 0;
  stream.on('console', () => {
    throw thrown;
  });
  stream.on('console', () => seen++);
  push(output(0));
  expect(seen).toBe(1);
  expect(reported).toHaveBeenCalledWith(expect.any(String), thrown);
  reported.mockRestore();
});

test('[7] so is what an asynchronous listener fails with, and the event counts as taken', async () => {
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
  const taken = vi.fn();
  const { stream, push } = makeStream(taken);
  const thrown = new Error('of the user, later');
  stream.on('console', () => Promise.reject(thrown));
  push(output(0));
  await expect.poll(() => taken.mock.calls.length).toBe(1);
  expect(reported).toHaveBeenCalledWith(expect.any(String), thrown);
  reported.mockRestore();
});
