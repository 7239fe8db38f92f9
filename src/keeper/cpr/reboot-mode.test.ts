import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { slowTimeout } from '../../../tools/slow-timeout.ts';
import { HoldfastError } from '../../errors.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { CprTarget } from '../../protocol/cpr.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import type { CprSaveReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { MachineSection } from '../../vmstate/sections.ts';
import { Keeper } from '../keeper.ts';
import { isOfSite } from '../runtimes/accept-runtime.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';
import { begin, expectSavedRunstate, failure, savedRunstates } from '../testing/saved-runstates.ts';
import { xxh64 } from './digest.ts';
import { composeVmstate, decomposeVmstate } from './sections.ts';
import type { AroundStep, CprStep } from './steps.ts';

const { h64Raw: digest } = await xxh64();

let old: FakeRuntime;
let next: FakeRuntime;
let keeper: Keeper;
let fakeStore: FakeStore;
/** Throws at a step, when set. */
let around: AroundStep | undefined;
/** Addresses of the modules that were imported. */
const imported: string[] = [];
let openStore: (() => Promise<FakeStore['store']>) | undefined;

/** A keeper in a new worker: it has only the store. */
function newKeeper(): Keeper {
  const modules = new Map([old, next].map((fake) => [fake.source.url, fake]));
  const loader = new RuntimeLoader(async (url) => {
    imported.push(url);
    return modules.get(url)?.module;
  });
  return new Keeper(
    { instanceId: 'test', survivesPages: false, startedAtMs: 0 },
    {
      loader,
      around: (operation, step, when) => around?.(operation, step, when),
      ...(openStore && { openStore }),
      keeperUrl: 'https://site.test/keeper.js',
    },
  );
}

beforeEach(async () => {
  vi.stubGlobal('navigator', {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  old = new FakeRuntime('old');
  next = new FakeRuntime('next');
  fakeStore = new FakeStore();
  openStore = async () => fakeStore.store;
  around = undefined;
  keeper = newKeeper();
  await keeper.start({ config: fakeConfig, runtime: old.source });
  old.memory('pc.ram').set([1, 2, 3, 4], 4096);
  old.memory('vga.planes').fill(7);
  old.host?.consoleOutput('serial0', new TextEncoder().encode('said before'));
  old.log.length = 0;
});

afterEach(async () => {
  await keeper.destroy().catch(() => {});
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const runstate = () => keeper.info().machine?.runstate;
const save = (target: CprTarget = { kind: 'bytes' }) => keeper.cprSave(target, { mode: 'reboot' });
const sourceOf = ({ bytes = new Uint8Array() }: CprSaveReport) =>
  ({ kind: 'bytes', bytes }) as const;
const startIncoming = (more: Partial<MachineConfig> = {}) =>
  keeper.start({ config: { ...fakeConfig, ...more }, runtime: next.source, incoming: true });

function expectMemory(runtime: FakeRuntime): void {
  expect([...runtime.memory('pc.ram').subarray(4095, 4101)]).toEqual([0, 1, 2, 3, 4, 0]);
  expect(runtime.memory('vga.planes').every((byte) => byte === 7)).toBe(true);
}

test('cprSave leaves the machine ended, with everything in storage', async () => {
  const before = keeper.info().machine?.config.id;
  const report = await save();
  expect(report).toMatchObject({ mode: 'reboot', runstate: 'running', generation: 1 });
  expect(report.machineId).toBe(before);
  expect(keeper.info().machine).toBeNull();
  expect(old.running).toBe(false);
  expect([...fakeStore.stored.keys()]).toEqual([before]);
  const { checkpoint, machine } = decomposeVmstate(report.bytes ?? new Uint8Array(), digest);
  expect(checkpoint).toMatchObject({ machineId: before, generation: 1 });
  expect(machine.mode).toBe('reboot');
});

test("unknown properties of a runtime's entry are not stored", async () => {
  const entry = { ...next.source, wasmBytes: 2_000_000 };
  await keeper.restart(entry);
  const report = await save();
  expect(decomposeVmstate(report.bytes ?? new Uint8Array(), digest).machine.runtime).toEqual(
    next.source,
  );
  keeper = newKeeper();
  await keeper.cprLoad(sourceOf(report), { runtime: entry });
  await expectSavedRunstate(keeper, 'running', next);
  await save();
});

test.each([
  ['has no id', { id: '' }],
  ['says no version', { v86Version: undefined }],
  ['has an endless address', { url: 'u'.repeat(10_000) }],
])('a runtime that %s is refused at once, and the guest continues', async (_, wrong) => {
  const runtime = { ...next.source, ...wrong } as RuntimeSource;
  for (const call of [
    () => keeper.restart(runtime),
    () => keeper.cprSave({ kind: 'bytes' }, { mode: 'restart', runtime }),
    () => keeper.start({ config: fakeConfig, runtime, replace: true }),
    () => newKeeper().resumeStored({ id: 'any', runtime }),
  ]) {
    const { code, message } = await failure(call());
    expect(code).toBe('bad-config');
    expect(message).toContain(`runtime.${Object.keys(wrong)[0]}`);
  }
  await expectSavedRunstate(keeper, 'running', old);
});

test('pages get the end as an event', async () => {
  const events: MachineEvent[] = [];
  const page = new MessageChannel();
  page.port1.onmessage = ({ data }) => events.push(data);
  await keeper.attach(page.port2, '');
  await save();
  await vi.waitUntil(
    () => events.some((event) => event.type === 'status' && event.status.destroyed),
    slowTimeout,
  );
  page.port1.close();
});

describe.each(savedRunstates)('a machine that was %s', (savedRunstate) => {
  test('has that runstate in another keeper, with its memory, consoles and identity', async () => {
    await begin(keeper, savedRunstate);
    const report = await save();
    keeper = newKeeper();
    const loaded = await keeper.cprLoad(sourceOf(report), { runtime: next.source });
    expect(loaded).toMatchObject({ machineId: report.machineId, runtimeId: 'next' });
    expect(loaded.fellBack).toBeUndefined();
    expect(keeper.info().machine?.config.id).toBe(report.machineId);
    expect(next.log).not.toContain('boot');
    expectMemory(next);
    await expectSavedRunstate(keeper, savedRunstate, next);
  });

  test('has that runstate in a machine that waited for it in inmigrate', async () => {
    await begin(keeper, savedRunstate);
    const report = await save();
    keeper = newKeeper();
    await startIncoming();
    expect(runstate()).toBe('inmigrate');
    expect(next.log).toEqual(['prepare']);
    await keeper.cprLoad(sourceOf(report));
    expectMemory(next);
    expect(keeper.info().machine?.config.id).toBe(report.machineId);
    await expectSavedRunstate(keeper, savedRunstate, next);
  });

  test.each<CprStep>([
    'blockers',
    'prepare',
    'quiesce',
    'stop',
    'save',
    'checkpoint',
    'write',
    'end',
  ])('is restored when cprSave dies before or after "%s"', async (step) => {
    await begin(keeper, savedRunstate);
    for (const when of ['before', 'after'] as const) {
      around = dieAt('cprSave', step, when);
      const error = await failure(save());
      expect(error).toBeInstanceOf(HoldfastError);
      expect(error.message).toContain('killed');
      expect(error.phase).toBeDefined();
    }
    around = undefined;
    await expectSavedRunstate(keeper, savedRunstate, old);
    const report = await save();
    keeper = newKeeper();
    await keeper.cprLoad(sourceOf(report));
    expect(runstate()).toBe('running');
  });

  test.each<CprStep>(['read', 'decode', 'find', 'prepare', 'restore', 'load', 'run'])(
    'can be loaded after a cprLoad that died before or after "%s"',
    async (step) => {
      await begin(keeper, savedRunstate);
      const report = await save();
      keeper = newKeeper();
      await startIncoming();
      for (const when of ['before', 'after'] as const) {
        around = dieAt('cprLoad', step, when);
        const error = await failure(keeper.cprLoad(sourceOf(report)));
        expect(error.message).toContain('killed');
        expect(runstate()).toBe('inmigrate');
        expect(next.running).toBe(false);
      }
      around = undefined;
      await keeper.cprLoad(sourceOf(report));
      expectMemory(next);
      await expectSavedRunstate(keeper, savedRunstate, next);
    },
  );
});

function dieAt(at: string, killed: CprStep, moment: 'before' | 'after'): AroundStep {
  return (operation, step, when) => {
    if (operation === at && step === killed && when === moment) throw new Error('killed');
  };
}

test('with no machine, a cprLoad that fails leaves none', async () => {
  const report = await save();
  keeper = newKeeper();
  next.options.fail = { load: new Error('on purpose') };
  const loading = keeper.cprLoad(sourceOf(report), { runtime: next.source });
  expect((await failure(loading)).message).toContain('on purpose');
  expect(keeper.info().machine).toBeNull();
  next.options = {};
  await keeper.cprLoad(sourceOf(report), { runtime: next.source });
  expectMemory(next);
});

test('pages get what the consoles said before, in the next keeper', async () => {
  const report = await save();
  keeper = newKeeper();
  await keeper.cprLoad(sourceOf(report));
  const said: string[] = [];
  const page = new MessageChannel();
  page.port1.onmessage = ({ data }) => {
    if (data.type === 'console') said.push(new TextDecoder().decode(data.bytes));
  };
  await keeper.attach(page.port2, '');
  await vi.waitUntil(() => said.length > 0, slowTimeout);
  expect(said.join('')).toBe('said before');
  page.port1.close();
});

test('pages of a machine that waited get what the consoles said when it is loaded', async () => {
  const report = await save();
  keeper = newKeeper();
  await startIncoming();
  const events: MachineEvent[] = [];
  const page = new MessageChannel();
  page.port1.onmessage = ({ data }) => events.push(data);
  await keeper.attach(page.port2, '');
  await keeper.cprLoad(sourceOf(report));
  await vi.waitUntil(() => events.some(({ type }) => type === 'mouse-mode'), slowTimeout);
  expect(events.filter(({ type }) => type === 'console')).toHaveLength(1);
  page.port1.close();
});

test('the clock of the guest continues', async () => {
  const before = old.host?.clock() ?? 0;
  const now = vi.spyOn(performance, 'now').mockReturnValue(before + 5000);
  const report = await save();
  now.mockReturnValue(3);
  keeper = newKeeper();
  await keeper.cprLoad(sourceOf(report), { runtime: next.source });
  const after = next.host?.clock() ?? 0;
  expect(after).toBeGreaterThanOrEqual(before + 5000);
  expect(after).toBeLessThan(before + 5001);
});

test('the blocker for a host without storage is known up front', async () => {
  await keeper.destroy();
  openStore = undefined;
  keeper = newKeeper();
  await keeper.start({ config: fakeConfig, runtime: old.source });
  expect((await keeper.cprBlockers('reboot')).map(({ code }) => code)).toEqual(['volatile-ram']);
  expect(await keeper.cprBlockers('restart')).toEqual([]);
  expect(await failure(save())).toMatchObject({ code: 'blocked' });
  expect(runstate()).toBe('running');
});

test('a store that does not open blocks mode reboot with its reason', async () => {
  await keeper.destroy();
  openStore = async () => {
    throw new HoldfastError('storage-unavailable', 'Private browsing.');
  };
  keeper = newKeeper();
  await keeper.start({ config: fakeConfig, runtime: old.source });
  const [blocker] = await keeper.cprBlockers('reboot');
  expect(blocker).toMatchObject({ code: 'volatile-ram' });
  expect(blocker?.message).toContain('Private browsing.');
});

test("a runtime that does not say what memory is the guest's is never stored without it", async () => {
  await keeper.destroy();
  old.options.hidesMemory = true;
  await keeper.start({ config: { ...fakeConfig, durable: true }, runtime: old.source });
  expect((await keeper.cprBlockers('reboot')).map(({ code }) => code)).toEqual([
    'device-cannot-follow',
  ]);
  for (const refused of [save(), keeper.checkpoint()]) {
    const error = await failure(refused);
    expect(error).toMatchObject({ code: 'blocked' });
    expect(error.message).toContain('live update');
  }
  expect(keeper.info().machine?.durability).toMatchObject({
    state: 'failing',
    error: { code: 'blocked' },
  });
  expect(runstate()).toBe('running');
  await keeper.restart(next.source);
  await keeper.checkpoint();
  expect(keeper.info().machine?.durability).toMatchObject({ state: 'saved' });
});

test('a machine that must be able to follow is refused at start where it could not', async () => {
  await keeper.destroy();
  const request = { config: { ...fakeConfig, onlyCprCapable: true }, runtime: old.source };
  await keeper.start(request);
  await keeper.destroy();
  old.options.blockers = () => [
    { code: 'network-cannot-follow', device: 'net0', message: 'Use "networkBackend" none.' },
  ];
  const error = await failure(keeper.start(request));
  expect(error).toMatchObject({ code: 'blocked' });
  expect(error.message).toContain('net0: Use "networkBackend" none.');
  expect(keeper.info().machine).toBeNull();
  expect(old.running).toBe(false);
});

test('when storage is full the guest keeps running, and what was at the target is still there', async () => {
  const first = await save({ kind: 'store', name: 'mine' });
  expect(first.generation).toBe(1);
  const good = fakeStore.entries.get('mine');
  keeper = newKeeper();
  await keeper.cprLoad({ kind: 'store', name: 'mine' });
  for (const { store } of fakeStore.stored.values()) store.writesLeft = 0;
  expect(await failure(save({ kind: 'store', name: 'mine' }))).toMatchObject({
    code: 'storage-full',
    phase: 'write',
  });
  expect(fakeStore.entries.get('mine')).toBe(good);
  expect(runstate()).toBe('running');
});

describe('cprLoad in the place of a guest that runs', () => {
  /** Saves a state of another machine, whose file and storage remain, then starts a guest. */
  async function savedBefore(): Promise<CprSaveReport> {
    const report = await save();
    await keeper.start({ config: fakeConfig, runtime: next.source });
    return report;
  }
  const replace = (bytes: Uint8Array | undefined) =>
    keeper.cprLoad({ kind: 'bytes', bytes: bytes ?? new Uint8Array() }, { replace: true });

  test('ends it once the other one is loaded', async () => {
    const { bytes, machineId } = await savedBefore();
    await replace(bytes);
    expect(keeper.info().machine).toMatchObject({ runstate: 'running', config: { id: machineId } });
    expect([old.running, next.running]).toEqual([true, false]);
    expectMemory(old);
  });

  test('leaves it running when the state cannot be loaded, for any reason', async () => {
    const { bytes = new Uint8Array() } = await savedBefore();
    const { id } = keeper.info().machine?.config ?? {};
    const stillRuns = () => {
      expect(keeper.info().machine).toMatchObject({ runstate: 'running', config: { id } });
      expect(next.running).toBe(true);
      expect(next.log).toEqual(['prepare', 'boot', 'run']);
    };
    const torn = bytes.slice(0, -1);
    expect(await failure(replace(torn))).toMatchObject({ code: 'bad-vmstate' });
    stillRuns();
    old.options.fail = { load: new Error('no') };
    expect(await failure(replace(bytes))).toMatchObject({ phase: 'load' });
    stillRuns();
    for (const { store } of fakeStore.stored.values()) store.records.clear();
    expect(await failure(replace(bytes))).toMatchObject({ code: 'storage-damaged' });
    stillRuns();
    fakeStore.stored.clear();
    expect(await failure(replace(bytes))).toMatchObject({ code: 'not-found' });
    stillRuns();
  });

  test('is refused without being asked to', async () => {
    const report = await savedBefore();
    expect(await failure(keeper.cprLoad(sourceOf(report)))).toMatchObject({ code: 'bad-runstate' });
    expect(next.running).toBe(true);
  });
});

describe('cprLoad is refused', () => {
  test('for device state whose RAM is in no storage', async () => {
    const report = await keeper.cprSave({ kind: 'bytes' }, { mode: 'restart' });
    await keeper.destroy();
    expect(await failure(keeper.cprLoad(sourceOf(report)))).toMatchObject({
      code: 'wrong-machine',
    });
    await startIncoming();
    expect(await failure(keeper.cprLoad(sourceOf(report)))).toMatchObject({
      code: 'wrong-machine',
    });
    expect(runstate()).toBe('inmigrate');
  });

  test('for another configuration, naming every option that differs', async () => {
    const report = await save();
    await startIncoming({ memoryMiB: 32, acpi: true, name: 'another name', hda: { url: 'disk' } });
    const error = await failure(keeper.cprLoad(sourceOf(report)));
    expect(error).toMatchObject({ code: 'wrong-machine' });
    expect(error.message).toContain('memoryMiB is 16 in the state and 32 here');
    expect(error.message).toContain('acpi is false in the state and true here');
    expect(error.message).toContain('hda is absent in the state and there here');
    expect(error.message).not.toContain('name');
    expect(runstate()).toBe('inmigrate');
    expect(next.log).toEqual(['prepare']);
  });

  test('for a guest that has gone on since', async () => {
    const first = await save();
    await keeper.cprLoad(sourceOf(first));
    const second = await save();
    expect(await failure(keeper.cprLoad(sourceOf(first)))).toMatchObject({ code: 'not-found' });
    await keeper.cprLoad(sourceOf(second));
    expect(runstate()).toBe('running');
  });

  test('for a machine that was removed from storage', async () => {
    const report = await save();
    fakeStore.stored.clear();
    expect(await failure(keeper.cprLoad(sourceOf(report)))).toMatchObject({ code: 'not-found' });
  });

  test('for a file that is not stored with the machine', async () => {
    await keeper.destroy();
    const bios = { bytes: new Uint8Array(16) };
    await keeper.start({ config: { ...fakeConfig, bios }, runtime: old.source });
    const report = await save();
    for (const stored of fakeStore.stored.values()) stored.details = {};
    const error = await failure(keeper.cprLoad(sourceOf(report)));
    expect(error).toMatchObject({ code: 'bad-config' });
    expect(error.message).toContain('"bios"');
    await startIncoming({ bios });
    await keeper.cprLoad(sourceOf(report));
    expect(runstate()).toBe('running');
  });

  test('while it waits, everything else is', async () => {
    await keeper.destroy();
    await startIncoming();
    for (const call of ['pause', 'resume', 'suspend', 'wakeup', 'cprCancel'] as const)
      expect(await failure(keeper[call]())).toMatchObject({ code: 'bad-runstate' });
    expect(await failure(keeper.restart(next.source))).toMatchObject({ code: 'bad-runstate' });
    expect(await failure(save())).toMatchObject({ code: 'bad-runstate' });
    expect(() => keeper.command('echo', [1])).toThrow(
      expect.objectContaining({ code: 'bad-runstate' }),
    );
    await keeper.destroy();
    expect(next.log).toContain('discard');
  });
});

describe('a vmstate names nothing that is imported, fetched or used as configuration', () => {
  const evil = {
    id: 'evil',
    v86Version: 'evil',
    url: 'data:text/javascript,globalThis.pwned=1',
    wasmUrl: 'https://elsewhere.test/v86.wasm',
  };

  /** The state with its `machine` section changed, as an attacker could write it. */
  function forge({ bytes = new Uint8Array() }: CprSaveReport, change: Partial<MachineSection>) {
    const { device, ...own } = decomposeVmstate(bytes, digest);
    const machine = { ...own.machine, ...change } as typeof own.machine;
    return {
      kind: 'bytes',
      bytes: composeVmstate(device, { ...own, machine }, digest),
    } as const;
  }

  beforeEach(() => void imported.splice(0));

  test('a runtime in the file is not imported: the caller names it, or the stored machine', async () => {
    const report = await save();
    keeper = newKeeper();
    imported.length = 0;
    await keeper.cprLoad(forge(report, { runtime: evil }));
    expect(imported).toEqual([old.source.url]);
    await save();
  });

  test('the runtime that saved the state is taken from those of a build, else the newest', async () => {
    const report = await save();
    const runtimes = [next.source, old.source];
    keeper = newKeeper();
    imported.length = 0;
    await keeper.cprLoad(sourceOf(report), { runtimes });
    expect(imported).toEqual([old.source.url]);
    const again = await save();
    keeper = newKeeper();
    imported.length = 0;
    await keeper.cprLoad(forge(again, { runtime: evil }), { runtimes });
    expect(imported).toEqual([next.source.url]);
  });

  test('without a stored machine nothing is imported, and the present guest keeps running', async () => {
    const report = await save();
    fakeStore.stored.clear();
    await keeper.start({ config: fakeConfig, runtime: next.source });
    imported.length = 0;
    const loading = keeper.cprLoad(forge(report, { runtime: evil }), { replace: true });
    expect(await failure(loading)).toMatchObject({ code: 'not-found' });
    expect(imported).toEqual([]);
    expect([runstate(), next.running]).toEqual(['running', true]);
  });

  test("the stored machine's configuration is used, not the one in the file", async () => {
    const report = await save();
    const bios = { url: 'https://elsewhere.test/bios' };
    keeper = newKeeper();
    await keeper.cprLoad(
      forge(report, { config: { ...fakeConfig, bios, memoryMiB: 16 } as never }),
    );
    expect(keeper.info().machine?.config).toMatchObject(fakeConfig);
  });

  test('a stored runtime of another folder or site is not imported', async () => {
    const report = await save();
    for (const url of ['https://elsewhere.test/old.js', 'https://site.test.evil.test/old.js']) {
      for (const stored of fakeStore.stored.values())
        stored.details = { ...(stored.details as object), runtime: { ...old.source, url } };
      keeper = newKeeper();
      imported.length = 0;
      const loading = keeper.cprLoad(sourceOf(report));
      expect(await failure(loading)).toMatchObject({ code: 'runtime-unavailable' });
      expect(imported).toEqual([]);
    }
    await keeper.cprLoad(sourceOf(report), { runtime: old.source });
  });

  test('the folder of the keeper is its site, with what lies below', () => {
    const isBelow = (url: string) => isOfSite(url, 'https://site.test/a/keeper.js');
    expect(isBelow('https://site.test/a/runtimes/r/runtime.js')).toBe(true);
    expect(isBelow('https://site.test/a/../b/runtime.js')).toBe(false);
    expect(isBelow('https://site.test:8443/a/runtime.js')).toBe(false);
    expect(isBelow('https://site.test/ab/runtime.js')).toBe(false);
  });

  test.each(['data:text/javascript,1', 'blob:https://site.test/1', 'javascript:1'])(
    'no caller can name a module that comes out of its own address: %s',
    async (url) => {
      const runtime = { ...next.source, url };
      expect(await failure(keeper.restart(runtime))).toMatchObject({ code: 'bad-config' });
      expect(
        await failure(keeper.cprLoad({ kind: 'store', name: 'x' }, { runtimes: [runtime] })),
      ).toMatchObject({ code: 'bad-config' });
    },
  );
});
