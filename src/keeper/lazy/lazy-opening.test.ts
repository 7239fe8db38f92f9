import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { Supplies } from '../../protocol/page-supply.ts';
import { PortReceiver, PortSender } from '../../protocol/port-stream.ts';
import type {
  DeviceStateItem,
  ExportItem,
  GuestDescription,
  ImportItem,
} from '../../protocol/state-transfer.ts';
import { decodeVmstate } from '../../vmstate/vmstate.ts';
import { xxh64 } from '../cpr/digest.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';
import { contentsOfPage, FakeSupply, fakeReference, gone } from '../testing/fake-supply.ts';
import { keeperOf } from '../testing/keeper-of.ts';
import { sendAbsent } from './send-absent.ts';

const lazyRamPages = 512;
const absent = Array.from({ length: 40 }, (_, i) => 300 + i);

let runtime: FakeRuntime;
let fakeStore: FakeStore;
let keeper: Keeper;
let state: { begin: GuestDescription; cut: DeviceStateItem };

function newKeeper(supplies?: Supplies, options: FakeRuntime['options'] = { lazyRamPages }): void {
  runtime = new FakeRuntime('only', { tracksWrites: false, ...options });
  keeper = keeperOf(runtime, fakeStore, supplies);
}

async function exported(of: Keeper): Promise<ExportItem[]> {
  const { port1, port2 } = new MessageChannel();
  const sending = of.exportState(port1);
  // The receiver gets the same error.
  sending.catch(() => {});
  const items: ExportItem[] = [];
  for await (const item of new PortReceiver<ExportItem>(port2)) items.push(item);
  await sending;
  return items;
}

/** Opens the state without {@link absent} pages, which a supply has. */
async function open({ durable = false, reference = fakeReference, replace = false } = {}) {
  const { port1, port2 } = new MessageChannel();
  const { ranges } = state.begin;
  const opening = keeper.openState(
    {
      config: { ...fakeConfig, id: 'mine', durable },
      runtime: runtime.source,
      ranges,
      identity: 'clone',
      canBeLazy: true,
      replace,
    },
    port2,
  );
  const sender = new PortSender<ImportItem>(port1);
  const knows = await sender.knows('absent');
  if (knows) await sender.send({ kind: 'absent', reference });
  await sender.send(structuredClone(state.cut));
  sender.end();
  await opening;
  return { knows };
}

const ramPage = (page: number) =>
  runtime.memory('pc.ram').slice(page * pageBytes, (page + 1) * pageBytes);
async function manifestVersion(): Promise<number | undefined> {
  const { h64Raw } = await xxh64();
  const [newest] = fakeStore.stored.get('mine')?.store.published ?? [];
  const sections = decodeVmstate(newest?.manifest ?? new Uint8Array(), h64Raw);
  return sections.find(({ name }) => name === 'checkpoint')?.version;
}

const status = () => keeper.info().machine;
const isWhole = () => vi.waitUntil(() => status()?.memory === undefined);

beforeEach(async () => {
  vi.stubGlobal('navigator', {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  fakeStore = new FakeStore();
  newKeeper();
  await keeper.start({ config: { ...fakeConfig, id: 'first' }, runtime: runtime.source });
  const items = await exported(keeper);
  state = { begin: items[0] as GuestDescription, cut: items.at(-1) as DeviceStateItem };
  await keeper.destroy();
});

afterEach(async () => {
  await keeper.destroy().catch(() => {});
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('[LZ2] a guest', () => {
  test('runs before its memory is there, and gets the rest', async () => {
    const supply = new FakeSupply(absent, { isHeld: true });
    newKeeper(supply);
    await open();
    expect(runtime.log.slice(-3)).toEqual(['load', 'lazy begin', 'run']);
    expect(status()).toMatchObject({
      runstate: 'running',
      memory: { totalBytes: 100_000, loadedBytes: 90_000, isWaiting: false },
    });
    expect(ramPage(300)).toEqual(new Uint8Array(pageBytes));
    await supply.answer();
    await isWhole();
    for (const page of absent) expect(ramPage(page)).toEqual(contentsOfPage(page));
    expect(runtime.log.at(-1)).toBe('lazy end');
  });

  test('is sent whole to a keeper that cannot read the rest', async () => {
    newKeeper();
    expect(await open()).toEqual({ knows: false });
    await keeper.destroy();
    const supply = new FakeSupply(absent);
    supply.prepare = () => Promise.reject(new Error('The script is not there.'));
    newKeeper(supply);
    expect(await open()).toEqual({ knows: false });
  });
});

describe('[LZ5] a guest that waits for memory that does not come', () => {
  test('has a runstate of its own, and the reason, until it comes', async () => {
    const supply = new FakeSupply(absent);
    supply.error = gone();
    newKeeper(supply);
    await open();
    runtime.absent?.want(320);
    await vi.waitUntil(() => status()?.memory?.error);
    expect(status()).toMatchObject({
      runstate: 'postcopy-paused',
      memory: { isWaiting: true, error: { code: 'state-unavailable' } },
    });
    await keeper.pause();
    expect(status()?.runstate).toBe('paused');
    await keeper.resume();
    expect(status()?.runstate).toBe('postcopy-paused');
    supply.error = undefined;
    await isWhole();
    expect(status()?.runstate).toBe('running');
    expect(ramPage(320)).toEqual(contentsOfPage(320));
  });
});

describe('[LZ8] a checkpoint while memory arrives', () => {
  test('resumes with what was there, and continues to load', async () => {
    const supply = new FakeSupply(absent, { isHeld: true });
    newKeeper(supply);
    await open({ durable: true });
    await supply.answer(0);
    runtime.memory('pc.ram').fill(9, 301 * pageBytes, 302 * pageBytes);
    await keeper.checkpoint();
    // An earlier build would take the absent pages for zeros.
    expect(await manifestVersion()).toBe(3);
    const { missing } = await keeper.storage.export('mine', { kind: 'everything' });
    expect(missing.join()).toMatch(/\d+ pages had not arrived, and are zero here/);
    await keeper.destroy();

    const rest = new FakeSupply(absent, { isHeld: true });
    newKeeper(rest);
    await keeper.resumeStored({ id: 'mine', runtime: runtime.source });
    expect(runtime.log.slice(-3)).toEqual(['load', 'lazy begin', 'run']);
    expect(rest.asked).toEqual([1]);
    expect(ramPage(300)).toEqual(contentsOfPage(300));
    expect(ramPage(301)).toEqual(new Uint8Array(pageBytes).fill(9));
    expect(ramPage(304)).toEqual(new Uint8Array(pageBytes));
    await rest.answer();
    await isWhole();
    expect(ramPage(301)).toEqual(new Uint8Array(pageBytes).fill(9));
    for (const page of absent.slice(4)) expect(ramPage(page)).toEqual(contentsOfPage(page));

    await keeper.checkpoint();
    expect(await manifestVersion()).toBeLessThan(3);
    await keeper.destroy();
    newKeeper();
    await keeper.resumeStored({ id: 'mine', runtime: runtime.source });
    expect(runtime.log).not.toContain('lazy begin');
    expect(ramPage(339)).toEqual(contentsOfPage(339));
  });

  test('is not resumed as zeros by a keeper that cannot read the rest', async () => {
    newKeeper(new FakeSupply(absent, { isHeld: true }));
    await open({ durable: true });
    await keeper.checkpoint();
    await keeper.destroy();
    newKeeper();
    const resuming = keeper.resumeStored({ id: 'mine', runtime: runtime.source });
    await expect(resuming).rejects.toMatchObject({ code: 'part-unavailable' });
    newKeeper(new FakeSupply(absent.slice(1)));
    const other = keeper.resumeStored({ id: 'mine', runtime: runtime.source });
    await expect(other).rejects.toMatchObject({ code: 'storage-damaged' });
  });
});

describe('[LZ9] an export while memory arrives', () => {
  test('waits for all of it', async () => {
    const supply = new FakeSupply(absent, { isHeld: true });
    newKeeper(supply);
    await open();
    const exporting = exported(keeper);
    await supply.answer();
    const pages = (await exporting).flatMap((item) =>
      item.kind === 'pages' ? [...item.numbers, ...item.uniform.filter((_, i) => i % 2 === 0)] : [],
    );
    expect(pages.toSorted((a, b) => a - b)).toEqual(expect.arrayContaining(absent));
  });

  test('fails without harm to the guest', async () => {
    const supply = new FakeSupply(absent);
    supply.error = gone();
    newKeeper(supply);
    await open();
    await expect(keeper.snapshot()).rejects.toMatchObject({ code: 'memory-unavailable' });
    await expect(exported(keeper)).rejects.toMatchObject({ code: 'memory-unavailable' });
    await expect(keeper.ramBlocks()).rejects.toMatchObject({ code: 'memory-unavailable' });
    expect(status()).toMatchObject({ runstate: 'running' });
    supply.error = undefined;
    await keeper.snapshot();
    expect(status()?.memory).toBeUndefined();
  });
});

test('[LZ9] an export of a stored guest has what its checkpoint lacks', async () => {
  const { port1, port2 } = new MessageChannel();
  const bits = new Uint8Array(lazyRamPages / 8);
  for (const page of absent.slice(2)) bits[page >> 3]! |= 1 << (page & 7);
  const sender = new PortSender<ExportItem>(port1);
  const stored = { reference: fakeReference, pages: bits };
  const sending = sendAbsent(stored, sender, new FakeSupply(absent)).then(() => sender.end());
  const numbers: number[] = [];
  for await (const item of new PortReceiver<ExportItem>(port2))
    if (item.kind === 'pages') {
      numbers.push(...item.numbers);
      expect(item.contents.slice(0, pageBytes)).toEqual(contentsOfPage(item.numbers[0] ?? 0));
    }
  await sending;
  expect(numbers).toEqual(absent.slice(2));
});

describe('[LZ10] a runtime that needs all of memory', () => {
  test('gets all of it before the guest runs', async () => {
    const supply = new FakeSupply(absent, { isHeld: true });
    newKeeper(supply, {});
    const opening = open();
    await vi.waitUntil(() => runtime.log.includes('load'));
    expect(runtime.log).not.toContain('run');
    await supply.answer();
    await opening;
    expect(runtime.log.at(-1)).toBe('run');
  });
});

/** A keeper with a lazy runtime, and another one for a live update. */
function newKeeperWith(other: FakeRuntime): FakeSupply {
  const supply = new FakeSupply(absent, { isHeld: true });
  runtime = new FakeRuntime('only', { lazyRamPages });
  const modules = new Map([runtime, other].map(({ source, module }) => [source.url, module]));
  keeper = new Keeper(
    { instanceId: 'test', survivesPages: false, startedAtMs: 0 },
    { loader: new RuntimeLoader(async (url) => modules.get(url)), supplies: supply },
  );
  return supply;
}

test('[LZ10] a runtime that needs all of memory gets it before a live update', async () => {
  const other = new FakeRuntime('other');
  const supply = newKeeperWith(other);
  await open();
  const update = keeper.restart(other.source);
  await vi.waitUntil(() => other.log.includes('destroy'));
  expect(runtime.running).toBe(true);
  await supply.answer();
  await update;
  expect(other.log.slice(-2)).toEqual(['load', 'run']);
  expect(status()?.memory).toBeUndefined();
});

test('[LZ10] a runtime that fails to take the guest over leaves the guest to the present one', async () => {
  const other = new FakeRuntime('other', { lazyRamPages, fail: { run: new Error('no') } });
  const supply = newKeeperWith(other);
  await open();
  await expect(keeper.restart(other.source)).rejects.toThrow('no');
  expect(other.log).toContain('lazy begin');
  await supply.answer();
  await isWhole();
  expect(runtime.log.at(-1)).toBe('lazy end');
  expect(other.log).not.toContain('lazy end');
});

describe('[LZ11] a state', () => {
  test.each([10, 255, lazyRamPages, 600])('that leaves out page %i is refused', async (page) => {
    newKeeper(new FakeSupply([...absent, page]));
    await expect(open()).rejects.toMatchObject({ code: 'bad-state-file' });
    expect(status()).toBeNull();
  });
});
