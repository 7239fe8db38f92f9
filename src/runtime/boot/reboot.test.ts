import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Reboot, type RebootOptions } from './reboot.ts';

const paging = 1 << 31;
const requested: string[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  requested.length = 0;
  vi.stubGlobal('fetch', async (url: string) => {
    requested.push(url);
    throw new TypeError('no server');
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A guest that came without its firmware. */
function rebootOf(cr0: number): Reboot {
  const config = { bios: { url: 'https://site.test/bios.bin' } };
  const host = {
    config,
    kept: new Map(),
    emit: () => {},
    crashed: () => {},
  } as unknown as RebootOptions['host'];
  const cpu = { bios: {}, cr: [cr0], option_roms: [] } as unknown as RebootOptions['cpu'];
  const kernel = {
    optionRoms: [],
    isThere: true,
    bring: async () => {},
  } as unknown as RebootOptions['kernel'];
  const loop = { run: () => {}, hold: () => () => {} };
  const waits = { begin: () => {}, end: () => {} } as unknown as RebootOptions['waits'];
  return new Reboot({ host, cpu, reset: () => {}, kernel, loop, waits });
}

test('firmware that a loaded guest does not run is fetched later, and once', async () => {
  const reboot = rebootOf(paging);
  reboot.loaded();
  await vi.advanceTimersByTimeAsync(0);
  expect(requested).toEqual([]);
  reboot.loaded();
  await vi.runAllTimersAsync();
  expect(requested).toEqual(['https://site.test/bios.bin']);
});

test('a guest in its firmware has it fetched at once', async () => {
  rebootOf(0).loaded();
  await vi.advanceTimersByTimeAsync(0);
  expect(requested).toEqual(['https://site.test/bios.bin']);
});

test('a runtime that has ended fetches nothing any more', async () => {
  const reboot = rebootOf(paging);
  reboot.loaded();
  reboot.giveUp();
  await vi.runAllTimersAsync();
  expect(requested).toEqual([]);
});
