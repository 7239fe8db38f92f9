import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { quiesce } from '../quiesce.ts';
import { InFlight, type Operation } from './in-flight.ts';

const limits = { running: 100, stopped: 50 };
const operationOf = (device: string): Operation => ({
  device,
  start: 0,
  length: 512,
  sinceMs: 0,
  fail: () => undefined,
});
const hda = operationOf('hda');

let inFlight: InFlight;
let loop: { hold(): () => void; held: boolean };

beforeEach(() => {
  vi.useFakeTimers();
  inFlight = new InFlight();
  loop = {
    held: false,
    hold() {
      loop.held = true;
      return () => {
        loop.held = false;
      };
    },
  };
});
afterEach(() => vi.useRealTimers());

test('with nothing under way the moment is now', async () => {
  await quiesce(inFlight, loop, limits);
  expect(loop.held).toBe(false);
});

test('the moment is the end of the last operation, before anything else has its turn', async () => {
  const cdrom = operationOf('cdrom');
  inFlight.begin(hda);
  inFlight.begin(cdrom);
  const log: string[] = [];
  quiesce(inFlight, loop, limits).then(() => log.push('quiet'));
  await vi.advanceTimersByTimeAsync(10);
  inFlight.end(hda);
  await vi.advanceTimersByTimeAsync(10);
  expect(log).toEqual([]);
  setTimeout(() => {
    inFlight.end(cdrom);
    setTimeout(() => log.push('next slice'));
  });
  await vi.advanceTimersByTimeAsync(10);
  expect(log).toEqual(['quiet', 'next slice']);
  expect(loop.held).toBe(false);
});

test('a guest that leaves no such moment stands still until there is one, and goes on if it is not taken', async () => {
  inFlight.begin(hda);
  const quiet = quiesce(inFlight, loop, limits);
  await vi.advanceTimersByTimeAsync(limits.running);
  expect(loop.held).toBe(true);
  inFlight.end(hda);
  await quiet;
  expect(loop.held).toBe(true);
  await vi.advanceTimersByTimeAsync(1);
  expect(loop.held).toBe(false);
});

test('an operation that does not end is a typed error, and the guest goes on', async () => {
  inFlight.begin(hda);
  const quiet = quiesce(inFlight, loop, limits).catch((error) => error);
  await vi.advanceTimersByTimeAsync(limits.running + limits.stopped);
  expect(await quiet).toMatchObject({
    code: 'blocked',
    message: expect.stringContaining('hda'),
  });
  expect(loop.held).toBe(false);
});

test('of two that wait, the second is not told that it is quiet when the first let the guest run on', async () => {
  inFlight.begin(hda);
  const log: string[] = [];
  quiesce(inFlight, loop, limits).then(() => {
    log.push('first');
    inFlight.begin(hda);
  });
  quiesce(inFlight, loop, limits).then(() => log.push('second'));
  inFlight.end(hda);
  await vi.advanceTimersByTimeAsync(10);
  expect(log).toEqual(['first']);
  inFlight.end(hda);
  await vi.advanceTimersByTimeAsync(10);
  expect(log).toEqual(['first', 'second']);
});
