import { expect, test, vi } from 'vitest';
import { ConsoleLog } from './console-log.ts';
import { RemoteConsole } from './guest-console.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function makeConsole() {
  const log = new ConsoleLog();
  return { log, console: new RemoteConsole('serial0', log, async () => {}) };
}

test('a wait among thousands of small pieces does not read all again for each', async () => {
  const { log, console } = makeConsole();
  const read = vi.spyOn(log, 'read');
  const found = console.waitFor(/login: $/, { timeoutMs: 60_000 });
  const piece = bytes(`${'.'.repeat(49)}\n`);
  let offset = 0;
  for (let i = 0; i < 15_000; i++, offset += piece.length) log.push('serial0', offset, piece);
  log.push('serial0', offset, bytes('login: '));
  expect((await found).index).toBe(offset);
  const readBytes = read.mock.results.reduce((sum, { value }) => sum + value.bytes.length, 0);
  // One look a piece would be 5.6 GB.
  expect(readBytes).toBeLessThan(1_000_000_000);
});

test('a wait whose time is over looks at what came last', async () => {
  vi.useFakeTimers();
  try {
    const { log, console } = makeConsole();
    const found = console.waitFor(/b/, { timeoutMs: 1000 });
    // As if the first look had taken for ever.
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
