import { expect, onTestFinished, test, vi } from 'vitest';
import { ConsoleLog } from './console-log.ts';
import { ConsoleText } from './console-text.ts';
import { RemoteConsole } from './guest-console.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function makeConsole() {
  const log = new ConsoleLog();
  return { log, console: new RemoteConsole('serial0', log, async () => {}) };
}

/** Counts the bytes that are read of a log, and those that are decoded. */
function countBytes(log: ConsoleLog) {
  const read = vi.spyOn(log, 'read');
  const decode = vi.spyOn(TextDecoder.prototype, 'decode');
  onTestFinished(() => decode.mockRestore());
  return {
    read: () => read.mock.results.reduce((sum, { value }) => sum + value.bytes.length, 0),
    decoded: () =>
      decode.mock.calls.reduce((sum, [bytes]) => sum + ((bytes as Uint8Array)?.length ?? 0), 0),
  };
}

test('a wait reads and decodes each byte of the output once, however small the chunks are', async () => {
  const { log, console } = makeConsole();
  const counted = countBytes(log);
  // Looks that take no time never rest: there is one for each chunk.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
  onTestFinished(() => clock.mockRestore());
  const found = console.waitFor(/login: $/, { timeoutMs: 60_000 });
  const chunk = bytes(`${'.'.repeat(49)}\n`);
  let offset = 0;
  for (let i = 0; i < 2000; i++, offset += chunk.length) log.push('serial0', offset, chunk);
  log.push('serial0', offset, bytes('login: '));
  expect((await found).index).toBe(offset);
  // All of it for each chunk would be 100 MB.
  expect(counted.read()).toBe(offset + 7);
  expect(counted.decoded()).toBe(offset + 7);
});

test('text that grows keeps no more of the output than the log', () => {
  const { log } = makeConsole();
  const said = new ConsoleText(log, 'serial0', 0, () => {});
  const chunk = new Uint8Array(64 * 1024).fill(65);
  for (let i = 0; i < 40; i++) {
    log.push('serial0', i * chunk.length, chunk);
    expect(said.text.length).toBe(log.read('serial0').bytes.length);
  }
  expect(said.text.length).toBeLessThan(1200 * 1024);
});

test('a character that comes in two chunks is one', async () => {
  const { log, console } = makeConsole();
  const found = console.waitFor(/na\u00efve/);
  const word = bytes('na\u00efve');
  log.push('serial0', 0, word.subarray(0, 3));
  log.push('serial0', 3, word.subarray(3));
  expect((await found)[0]).toBe('na\u00efve');
});

test('a wait finds what a guest says that went back to a snapshot, and not what it had said', async () => {
  const { log, console } = makeConsole();
  log.push('serial0', 0, bytes('boot '));
  const found = console.waitFor(/boot .*login: $/);
  log.push('serial0', 5, bytes('panic '));
  log.push('serial0', 5, bytes('login: '));
  expect((await found)[0]).toBe('boot login: ');
});

test('a wait whose time is over looks at what came last', async () => {
  vi.useFakeTimers();
  try {
    const { log, console } = makeConsole();
    const found = console.waitFor(/b/, { timeoutMs: 1000 });
    // As if the first test had taken very long.
    vi.spyOn(performance, 'now').mockReturnValue(-1_000_000);
    log.push('serial0', 0, bytes('a'));
    log.push('serial0', 1, bytes('b'));
    await vi.advanceTimersByTimeAsync(1000);
    expect((await found).index).toBe(1);
  } finally {
    vi.useRealTimers();
    vi.restoreAllMocks();
  }
});

test('a wait that fails says what the console showed last', async () => {
  const { log, console } = makeConsole();
  log.push('serial0', 0, bytes('grub> '));
  await expect(console.waitFor(/login/, { timeoutMs: 1 })).rejects.toMatchObject({
    code: 'guest-silent',
    message: expect.stringContaining('grub> '),
  });
});

test('chunks say where they stand, what was shown before, and what is missed', async () => {
  const { log, console } = makeConsole();
  log.push('serial0', 0, bytes('old '), true);
  log.push('serial0', 4, bytes('new '));
  const reader = console.chunks().getReader();
  const next = async () => {
    const { value } = await reader.read();
    return [value?.offset, new TextDecoder().decode(value?.bytes), value?.again];
  };
  expect([await next(), await next()]).toEqual([
    [0, 'old ', true],
    [4, 'new ', false],
  ]);
  log.push('serial0', 20, bytes('later '));
  expect(await next()).toEqual([20, 'later ', false]);
  // The guest of a snapshot.
  log.push('serial0', 0, bytes('old '), true);
  log.push('serial0', 4, bytes('other '));
  expect([await next(), await next()]).toEqual([
    [0, 'old ', true],
    [4, 'other ', false],
  ]);
});

test('a reader who is slower than the guest has one chunk waiting, and misses the rest', async () => {
  const { log, console } = makeConsole();
  const enqueue = vi.spyOn(ReadableStreamDefaultController.prototype, 'enqueue');
  onTestFinished(() => enqueue.mockRestore());
  const reader = console.readable().getReader();
  const chunk = new Uint8Array(64 * 1024);
  for (let i = 0; i < 100; i++) log.push('serial0', i * chunk.length, chunk);
  expect(enqueue).toHaveBeenCalledTimes(1);
  let received = 0;
  for (let end = -1; end !== 0; ) {
    const { value } = await reader.read();
    received += value?.length ?? 0;
    end = received < chunk.length * 17 ? -1 : 0;
  }
  // The first, and what the log has: a MiB.
  expect(received).toBe(17 * chunk.length);
});
