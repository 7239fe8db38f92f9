import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ConsoleLog } from './console-log.ts';
import { RemoteConsole } from './guest-console.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const consoleOf = (log: ConsoleLog) => new RemoteConsole('serial0', log, async () => {});

test('output is read from any offset, across chunks', () => {
  const log = new ConsoleLog();
  log.push('serial0', 0, bytes('one '));
  log.push('serial0', 4, bytes('two'));
  const console = consoleOf(log);
  expect(console.end).toBe(7);
  expect([console.text(), console.text(2), console.text(6), console.text(99)]).toEqual([
    'one two',
    'e two',
    'o',
    '',
  ]);
});

test('repeated output replaces the first copy', () => {
  const log = new ConsoleLog();
  log.push('serial0', 0, bytes('one two three'));
  log.push('serial0', 0, bytes('one '));
  log.push('serial0', 4, bytes('TWO'));
  expect(consoleOf(log).text()).toBe('one TWO');
});

test('after a gap only what came later is there', () => {
  const log = new ConsoleLog();
  log.push('serial0', 0, bytes('one'));
  log.push('serial0', 10, bytes('ten'));
  expect(log.read('serial0', 0)).toEqual({ offset: 10, bytes: bytes('ten') });
});

test('long output keeps its end', () => {
  const log = new ConsoleLog();
  const chunk = new Uint8Array(100_000).fill(65);
  for (let i = 0; i < 20; i++) log.push('serial0', i * chunk.length, chunk);
  const { offset, bytes: kept } = log.read('serial0', 0);
  expect(offset + kept.length).toBe(2_000_000);
  expect(kept.length).toBeGreaterThanOrEqual(1024 * 1024);
  expect(kept.length).toBeLessThan(1024 * 1024 + 200_000);
});

test('a stream and an iteration get what was said and what comes', async () => {
  const log = new ConsoleLog();
  log.push('serial0', 0, bytes('one '));
  const console = consoleOf(log);
  let text = '';
  const reading = (async () => {
    for await (const chunk of console) {
      text += new TextDecoder().decode(chunk);
      if (text.endsWith('!')) return;
    }
  })();
  log.push('serial0', 4, bytes('two'));
  log.push('serial0', 7, bytes('!'));
  await reading;
  expect(text).toBe('one two!');
});

test('a wait resolves with the match, or says what was there instead', async () => {
  const log = new ConsoleLog();
  const console = consoleOf(log);
  const login = console.waitFor(/(\w+) login:/);
  log.push('serial0', 0, bytes('debian '));
  log.push('serial0', 7, bytes('login: '));
  expect((await login)[1]).toBe('debian');
  await expect(console.waitFor(/login/, { from: 13, timeoutMs: 1 })).rejects.toMatchObject({
    code: 'guest-silent',
    message: expect.stringContaining('within 1 ms. Its end:\n '),
  });
  const signal = AbortSignal.abort(new Error('no time'));
  await expect(console.waitFor(/never/, { signal })).rejects.toMatchObject({ code: 'cancelled' });
});

test('[7] output of single bytes takes little more than its bytes', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const usedBytes = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const log = new ConsoleLog();
  const before = usedBytes();
  for (let at = 0; at < 400_000; at++) log.push('serial0', at, Uint8Array.of(at));
  expect(usedBytes() - before).toBeLessThan(8 * 1024 * 1024);
  const { offset, bytes: kept } = log.read('serial0', 0);
  expect(offset).toBe(0);
  expect(kept.every((byte, at) => byte === (at & 255))).toBe(true);
});

test('chunks of all sizes, with what is said again between them, stay what they were', () => {
  const log = new ConsoleLog();
  let said = '';
  for (let at = 0; at < 3000; at++) {
    if (at % 100 === 99) said = said.slice(0, -50);
    const chunk = `${at};`.repeat(at % 700 === 0 ? 2000 : 1);
    log.push('serial0', said.length, bytes(chunk));
    said += chunk;
  }
  const { offset, bytes: kept } = log.read('serial0', 0);
  expect(new TextDecoder().decode(kept)).toBe(said.slice(offset));
});
