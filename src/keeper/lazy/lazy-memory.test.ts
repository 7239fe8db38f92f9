import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RuntimeInstance } from '../../protocol/abi.ts';
import type { AbsentPages } from '../../protocol/lazy-ram.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { layOutMemory, wasmPageBytes } from '../checkpoint/memory-layout.ts';
import { contentsOfPage, FakeSupply, fakeReference, gone } from '../testing/fake-supply.ts';
import { LazyMemory } from './lazy-memory.ts';
import { PresentMap } from './present-map.ts';

const config = { memoryMiB: 16, vgaMemoryMiB: 1 };
const pages = Array.from({ length: 40 }, (_, i) => 300 + i);

let lazy: LazyMemory;
let supply: FakeSupply;
let present: PresentMap;
let bytes: Uint8Array;
let written: Uint8Array;
const ended = { runtime: 0, host: 0 };
let arrivals = 0;
let now = 0;
let absent: AbsentPages | undefined;

const ramAddress = layOutMemory(config).blocks[0]?.address ?? 0;

function make(isHeld = true): void {
  const { blocks, totalPages } = layOutMemory(config);
  const memory = new WebAssembly.Memory({ initial: totalPages, maximum: totalPages, shared: true });
  bytes = new Uint8Array(memory.buffer);
  present = new PresentMap({ memory, blocks, config });
  present.setAbsent(pages);
  supply = new FakeSupply(pages, { isHeld });
  const map = { address: wasmPageBytes, pages: present.pages };
  written = bytes.subarray(map.address, map.address + map.pages);
  const instance = {
    v86Version: 'fake',
    writes: { map, reset: () => {}, collect: () => {} },
    lazyRam: {
      begin: (given: AbsentPages) => {
        absent = given;
      },
      arrived: () => void arrivals++,
      end: () => void ended.runtime++,
      waitsFor: undefined,
    },
  } as unknown as RuntimeInstance;
  lazy = new LazyMemory(
    { reference: fakeReference, supply, present, ram: { address: ramAddress, first: 0 } },
    { memory, instance: () => instance, changed: () => {}, whole: () => void ended.host++ },
  );
  lazy.attach(instance);
  lazy.begin();
}

const pageAt = (page: number) => {
  const at = ramAddress + page * pageBytes;
  return bytes.slice(at, at + pageBytes);
};

beforeEach(() => {
  ended.runtime = ended.host = arrivals = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  lazy.end();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('[LZ3] packs that the guest waits for', () => {
  test('are read before those of the background, of which no other begins', async () => {
    make();
    expect(supply.asked).toEqual([0]);
    absent?.want(330);
    expect(supply.asked).toEqual([0, 7]);
    await supply.answer(0);
    expect(supply.asked).toEqual([0, 7]);
    await supply.answer(7);
    expect(supply.asked).toEqual([0, 7, 1]);
    expect(pageAt(330)).toEqual(contentsOfPage(330));
    // The guest has not waited for a while.
    now += 501;
    await supply.answer(1);
    expect(supply.asked).toEqual([0, 7, 1, 2, 3, 4]);
    absent?.want(336);
    await supply.answer(3);
    expect(supply.asked).toEqual([0, 7, 1, 2, 3, 4, 9]);
  });

  test('are read once, however often the guest asks', async () => {
    make();
    for (let i = 0; i < 5; i++) absent?.want(338);
    absent?.want(301);
    expect(supply.asked).toEqual([0, 9]);
    await supply.answer();
    await vi.waitUntil(() => ended.host === 1);
    expect(supply.asked.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('[LZ4] a page that arrives', () => {
  test('is put only where none is, and counts as written', async () => {
    make();
    // The guest has written all of this page without a look at it.
    bytes.fill(7, ramAddress + 301 * pageBytes, ramAddress + 302 * pageBytes);
    present.arrived(301);
    await supply.answer(0);
    expect(pageAt(300)).toEqual(contentsOfPage(300));
    expect(pageAt(301)).toEqual(new Uint8Array(pageBytes).fill(7));
    expect([...written.subarray(299, 305)]).toEqual([0, 1, 0, 1, 1, 0]);
    expect(arrivals).toBe(1);
  });
});

test('[LZ6] the mechanism ends when all pages are present', async () => {
  make(false);
  await lazy.bringAll();
  expect(ended).toEqual({ runtime: 1, host: 1 });
  for (const page of pages) expect(pageAt(page)).toEqual(contentsOfPage(page));
  expect(present.hasAbsent()).toBe(false);
});

describe('[LZ5] a read that fails', () => {
  test('is repeated after a pause that grows, and says why until one succeeds', async () => {
    make();
    supply.error = gone();
    absent?.want(300);
    await supply.answer();
    expect(lazy.status).toMatchObject({ isWaiting: true, error: { code: 'state-unavailable' } });
    expect(lazy.isStalled).toBe(true);
    const asked = supply.asked.length;
    await vi.advanceTimersByTimeAsync(499);
    expect(supply.asked).toHaveLength(asked);
    await vi.advanceTimersByTimeAsync(1);
    expect(supply.asked.slice(asked)).toEqual([0]);
    await vi.advanceTimersByTimeAsync(999);
    expect(supply.asked).toHaveLength(asked + 1);
    supply.error = undefined;
    await vi.advanceTimersByTimeAsync(1);
    await vi.waitUntil(() => ended.host === 1);
    expect(lazy.isStalled).toBe(false);
    for (const page of pages) expect(pageAt(page)).toEqual(contentsOfPage(page));
  });

  test('does not stall a guest that waits for nothing', async () => {
    make();
    supply.error = gone();
    await supply.answer();
    expect(lazy.status.error?.code).toBe('state-unavailable');
    expect(lazy.isStalled).toBe(false);
  });
});

describe('[LZ7] a device that cannot wait', () => {
  test('gets its pages at once', async () => {
    make();
    absent?.bringNow([310, 311, 339]);
    expect(supply.askedNow).toEqual([2, 9]);
    expect(pageAt(339)).toEqual(contentsOfPage(339));
    await supply.answer();
    await vi.advanceTimersByTimeAsync(0);
    await vi.waitUntil(() => ended.host === 1);
    for (const page of pages) expect(pageAt(page)).toEqual(contentsOfPage(page));
  });

  test('gets an error if they do not come, and they stay absent', () => {
    make();
    supply.error = gone();
    expect(() => absent?.bringNow([310])).toThrow(
      expect.objectContaining({ code: 'memory-unavailable' }),
    );
    expect(present.isAbsent(310)).toBe(true);
  });
});

describe('[LZ9] who needs all of memory', () => {
  test('waits, and gets an error after three failures in a row', async () => {
    make(false);
    supply.error = gone();
    const all = lazy.bringAll();
    all.catch(() => {});
    await vi.advanceTimersByTimeAsync(1_400);
    await vi.advanceTimersByTimeAsync(2_000);
    await expect(all).rejects.toMatchObject({ code: 'memory-unavailable' });
    // A second one hears it at once.
    await expect(lazy.bringAll()).rejects.toMatchObject({ code: 'memory-unavailable' });
    supply.error = undefined;
    await lazy.bringAll();
    expect(ended.host).toBe(1);
  });

  test('may give up', async () => {
    make();
    const given = new AbortController();
    const all = lazy.bringAll(given.signal);
    given.abort(new Error('enough'));
    await expect(all).rejects.toThrow('enough');
  });
});

test('[LZ10] a runtime that needs all of memory is refused', () => {
  make();
  expect(() => lazy.attach({ v86Version: 'old' } as RuntimeInstance)).toThrow(
    expect.objectContaining({ code: 'memory-unavailable' }),
  );
});
