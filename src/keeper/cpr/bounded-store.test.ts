import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { slowTimeout } from '../../../tools/slow-timeout.ts';
import { foreignFreeBytes, foreignLimitBytes } from '../../protocol/foreign-storage.ts';
import type { Store } from '../../store/types.ts';
import { Pace } from '../durable/pace.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { BoundedStore } from './bounded-store.ts';

const kib = (count: number) => new Uint8Array(count * 1024);

/** A stranger's machine in a store of 1,000 KiB, beside others of these sizes. */
function bounded(others: { sizeBytes: number; foreign?: boolean }[] = [], usedBytes = 0) {
  const machine = new MemoryStore();
  let isForeign = true;
  const machines = others.map(({ sizeBytes, foreign }, i) => ({
    id: `other ${i}`,
    sizeBytes,
    details: { config: { foreign } },
  }));
  const store = {
    machines: async () => [
      { id: 'lab', sizeBytes: machine.publishedBytes, details: {} },
      ...machines,
    ],
    usage: async () => ({ usedBytes, quotaBytes: 1000 * 1024, persisted: false }),
  } as unknown as Store;
  const room = new BoundedStore(machine, store, () => isForeign);
  const keep = () => {
    isForeign = false;
  };
  return { room, machine, machines, keep };
}

const refused = { code: 'storage-reserved' };

describe('[6] a foreign machine', () => {
  test('takes an eighth of what there is without it, with what it has put and not published', async () => {
    const { room, machine } = bounded();
    await room.putRecord(kib(60));
    await room.putRecord(kib(40));
    await expect(room.putRecord(kib(1))).rejects.toMatchObject(refused);
    await expect(room.holdRecord(kib(1))).rejects.toMatchObject(refused);
    expect(machine.storedBytes).toBe(100 * 1024);
  });

  test('in one go takes no more than one after the other', async () => {
    const { room, machine } = bounded();
    const puts = await Promise.allSettled([1, 2, 3, 4].map(() => room.putRecord(kib(40))));
    expect(puts.map(({ status }) => status).sort()).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(machine.storedBytes).toBe(80 * 1024);
  });

  test('has less where others of that kind have a share together, own ones do not count', async () => {
    // All of them together may have a quarter of (1000 - 2 · 160) KiB.
    const { room } = bounded([
      { sizeBytes: 80 * 1024, foreign: true },
      { sizeBytes: 80 * 1024, foreign: true },
      { sizeBytes: 300 * 1024 },
    ]);
    await room.putRecord(kib(6));
    await expect(room.putRecord(kib(1))).rejects.toMatchObject(refused);
  });

  test('is not written while less than a quarter of the quota is free', async () => {
    const { room } = bounded([], 749 * 1024);
    await expect(room.putRecord(kib(1))).rejects.toMatchObject(refused);
  });

  test('adds nothing to its own limit where a browser counts from what is used', () => {
    const gib = 2 ** 30;
    const usage = (usedBytes: number) => ({ usedBytes, quotaBytes: usedBytes + 10 * gib });
    let stored = 0;
    while (foreignFreeBytes(usage(2 * stored), stored, stored) > 0) stored += gib / 16;
    expect(stored / gib).toBeCloseTo(1.25, 1);
  });

  test('yields where there is less room than the browser reported, until it is asked to try again', async () => {
    const { room, machine } = bounded();
    machine.writesLeft = 0;
    await expect(room.putRecord(kib(1))).rejects.toMatchObject({ code: 'storage-full' });
    await room.abandon([]);
    machine.writesLeft = 1;
    await expect(room.putRecord(kib(1))).rejects.toMatchObject(refused);
    expect(machine.writesLeft).toBe(1);
    room.tryAgain();
    await room.putRecord(kib(1));
  });

  test('retries no refused checkpoint until there is room or it is asked to try again', async () => {
    const { room, machine, machines } = bounded([
      { sizeBytes: 70 * 1024, foreign: true },
      { sizeBytes: 70 * 1024, foreign: true },
    ]);
    const first = await room.putRecord(kib(25));
    await expect(room.putRecord(kib(25))).rejects.toMatchObject(refused);
    await room.abandon([first]);
    await expect(room.putRecord(kib(25))).rejects.toMatchObject(refused);
    expect(machine.storedBytes).toBe(0);
    room.tryAgain();
    await room.abandon([await room.putRecord(kib(25))]);
    machines.pop();
    await room.putRecord(kib(25));
    await room.putRecord(kib(25));
  });

  test('that its user keeps as one of theirs takes what there is', async () => {
    const { room, keep } = bounded();
    await expect(room.putRecord(kib(101))).rejects.toMatchObject(refused);
    keep();
    await room.putRecord(kib(500));
  });

  test('has a limit where the browser does not say how much there is', () => {
    expect(foreignLimitBytes({ usedBytes: 0, quotaBytes: Number.POSITIVE_INFINITY }, 0)).toBe(
      2 * 2 ** 30,
    );
  });
});

describe('[6] in a keeper', () => {
  const fakeStore = new FakeStore();
  const keepers: Keeper[] = [];

  beforeEach(() => {
    vi.stubGlobal('navigator', {});
    vi.spyOn(Pace.prototype, 'delayMs', 'get').mockReturnValue(1);
  });

  afterEach(async () => {
    for (const keeper of keepers) await keeper.destroy().catch(() => {});
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  async function start(id: string, foreign: boolean) {
    const runtime = new FakeRuntime(id);
    const keeper = new Keeper(
      { instanceId: id, survivesPages: true, startedAtMs: 0 },
      {
        loader: new RuntimeLoader(async () => runtime.module),
        openStore: async () => fakeStore.store,
      },
    );
    keepers.push(keeper);
    const config = { ...fakeConfig, id, durable: true, ...(foreign && { foreign }) };
    await keeper.start({ config, runtime: runtime.source });
    const generation = () => fakeStore.stored.get(id)?.store.published[0]?.number ?? 0;
    const durability = () => keeper.info().machine?.durability;
    return { keeper, runtime, generation, durability };
  }

  test('a foreign machine at its limit reports it and runs on, and the others are saved as before', async () => {
    const foreign = await start('foreign', true);
    const own = await start('own', false);
    await vi.waitFor(() => {
      expect(foreign.generation()).toBeGreaterThan(0);
      expect(own.generation()).toBeGreaterThan(0);
    }, slowTimeout);
    fakeStore.quotaBytes = 8 * (fakeStore.stored.get('foreign')?.store.publishedBytes ?? 0);

    // Noise, which cannot be compressed.
    foreign.runtime.memory('pc.ram').set(crypto.getRandomValues(new Uint8Array(65_536)));
    foreign.runtime.instructions++;
    const failing = { state: 'failing', error: { code: 'storage-reserved' } };
    await vi.waitFor(() => expect(foreign.durability()).toMatchObject(failing), slowTimeout);
    expect(foreign.keeper.info().machine?.runstate).toBe('running');
    const before = own.generation();
    own.runtime.instructions++;
    await vi.waitFor(() => expect(own.generation()).toBeGreaterThan(before), slowTimeout);
    expect(own.durability()).toMatchObject({ state: 'saved' });

    await foreign.keeper.setDurable(true, { own: true });
    await vi.waitFor(
      () => expect(foreign.durability()).toMatchObject({ state: 'saved' }),
      slowTimeout,
    );
    expect(foreign.keeper.info().machine?.config.foreign).toBeUndefined();
  });
});
