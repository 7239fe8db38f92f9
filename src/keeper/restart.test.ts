import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { slowTimeout } from '../../tools/slow-timeout.ts';
import { HoldfastError, type RestartPhase } from '../errors.ts';
import { abiVersion } from '../protocol/abi.ts';
import type { MachineEvent } from '../protocol/events.ts';
import { Keeper } from './keeper.ts';
import { RuntimeLoader } from './runtimes/runtime-loader.ts';
import {
  type FakeOptions,
  FakeRuntime,
  type FakeStep,
  fakeConfig,
  fakeVmstate,
} from './testing/fake-runtime.ts';
import { failure } from './testing/saved-runstates.ts';

const config = fakeConfig;
const sourceOf = (name: string) => new FakeRuntime(name).source;

let runtimes: Map<string, FakeRuntime>;
let imports: string[];
let keeper: Keeper;
let events: MachineEvent[];
let page: MessageChannel;

function runtime(name: string, options?: FakeOptions): FakeRuntime {
  const fake = new FakeRuntime(name, options);
  runtimes.set(fake.source.url, fake);
  return fake;
}

beforeEach(async () => {
  // Node has no Web Locks: pages stay attached until they leave.
  vi.stubGlobal('navigator', {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  runtimes = new Map();
  imports = [];
  const loader = new RuntimeLoader(async (url) => {
    imports.push(url);
    const found = runtimes.get(url);
    if (!found) throw new TypeError('Failed to fetch');
    return found.module;
  });
  keeper = new Keeper({ instanceId: 'test', survivesPages: false, startedAtMs: 0 }, { loader });
  events = [];
  page = new MessageChannel();
  page.port1.onmessage = ({ data }) => events.push(data);
});

afterEach(async () => {
  await keeper.destroy().catch(() => {});
  page.port1.close();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function startOld(options?: FakeOptions): Promise<FakeRuntime> {
  const old = runtime('old', options);
  await keeper.start({ config, runtime: sourceOf('old') });
  old.log.length = 0;
  return old;
}

function openable() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const typesOf = () => events.map(({ type }) => type);

test('a restart stops, saves, parks, loads and runs, in that order', async () => {
  const old = await startOld();
  const next = runtime('next');
  const report = await keeper.restart(sourceOf('next'));
  expect(old.log).toEqual(['quiesce', 'stop', 'save', 'park', 'destroy']);
  expect(next.log).toEqual(['prepare', 'state of old', 'load', 'run']);
  expect(report).toMatchObject({ runtimeId: 'next', v86Version: 'next' });
  const { stopMs, saveMs, swapMs, loadMs, pauseMs, vmstateBytes } = report.timings;
  expect(vmstateBytes).toBe(fakeVmstate('state of old').length);
  expect(pauseMs).toBeGreaterThanOrEqual(stopMs + saveMs + swapMs + loadMs);
  const { machine } = keeper.info();
  expect(machine).toMatchObject({ runstate: 'running', runtimeId: 'next', restarts: 1 });
  expect(machine?.lastPauseMs).toBe(pauseMs);
});

const thrownByStep: [FakeStep, 'old' | 'next', RestartPhase][] = [
  ['prepare', 'next', 'prepare'],
  ['quiesce', 'old', 'stop'],
  ['stop', 'old', 'stop'],
  ['save', 'old', 'save'],
  ['park', 'old', 'swap'],
  ['load', 'next', 'load'],
  ['run', 'next', 'run'],
];

test.each(thrownByStep)(
  'when %s of the %s runtime fails the guest continues in the old one',
  async (step, whose, phase) => {
    const old = await startOld();
    const next = runtime('next');
    const fail = { [step]: new Error('on purpose') };
    if (whose === 'old') old.options.fail = fail;
    else next.options.fail = fail;

    const error = await failure(keeper.restart(sourceOf('next')));
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error.phase).toBe(phase);
    expect(error.message).toContain('on purpose');
    expect(old.running).toBe(true);
    expect(next.running).toBe(false);
    if (step !== 'prepare') expect(next.log).toContain('discard');
    expect(old.log.includes('unpark')).toBe(['park', 'load', 'run'].includes(step));
    expect(keeper.info().machine).toMatchObject({
      runstate: 'running',
      runtimeId: 'old',
      restarts: 0,
    });

    old.options = {};
    next.options = {};
    await keeper.restart(sourceOf('next'));
    expect(next.running).toBe(true);
  },
);

test('a crash that the new runtime only reports is a failed restart as well', async () => {
  const old = await startOld();
  runtime('next', { crashIn: 'load' });
  const error = await failure(keeper.restart(sourceOf('next')));
  expect(error.message).toContain('died in load');
  expect(old.running).toBe(true);
  expect(keeper.info().machine?.runstate).toBe('running');
});

test('the code of an error of the runtime is kept, in its phase', async () => {
  await startOld();
  runtime('next', { fail: { load: new HoldfastError('bad-vmstate', 'Not mine.') } });
  const error = await failure(keeper.restart(sourceOf('next')));
  expect(error).toMatchObject({ code: 'bad-vmstate', phase: 'load', message: 'Not mine.' });
});

test('a runtime that is not there fails in phase fetch, and is asked for again', async () => {
  await startOld();
  const error = await failure(keeper.restart(sourceOf('next')));
  expect(error).toMatchObject({ code: 'runtime-unavailable', phase: 'fetch' });
  runtime('next');
  await keeper.restart(sourceOf('next'));
  await keeper.restart(sourceOf('old'));
  expect(imports.map((url) => url.replace(/.*\//, ''))).toEqual(['old.js', 'next.js', 'next.js']);
});

test('a runtime of another ABI is refused before it is prepared', async () => {
  await startOld();
  const next = runtime('next', { abi: abiVersion + 1 });
  const error = await failure(keeper.restart(sourceOf('next')));
  expect(error).toMatchObject({ code: 'runtime-incompatible', phase: 'prepare' });
  expect(next.log).toEqual([]);
});

test('a paused guest stays paused, through a restart and through a failed one', async () => {
  const old = await startOld();
  await keeper.pause();
  const next = runtime('next', { fail: { load: new Error('on purpose') } });
  await failure(keeper.restart(sourceOf('next')));
  expect(old.running).toBe(false);
  expect(old.log.filter((step) => step === 'run')).toEqual([]);

  next.options = {};
  await keeper.restart(sourceOf('next'));
  expect(next.running).toBe(false);
  expect(keeper.info().machine?.runstate).toBe('paused');
  await keeper.resume();
  expect(next.running).toBe(true);
});

test('a guest that is paused while the new runtime is prepared stays paused', async () => {
  await startOld();
  const gate = openable();
  const next = runtime('next', { prepareGate: gate.opened });
  const restarting = keeper.restart(sourceOf('next'));
  await keeper.pause();
  gate.open();
  await restarting;
  expect(next.running).toBe(false);
});

test('a second restart meanwhile is refused as busy', async () => {
  await startOld();
  runtime('next');
  const first = keeper.restart(sourceOf('next'));
  expect((await failure(keeper.restart(sourceOf('next')))).code).toBe('busy');
  await first;
});

test('a machine destroyed during a restart ends it, and the new runtime is given back', async () => {
  const old = await startOld();
  const gate = openable();
  const next = runtime('next', { prepareGate: gate.opened });
  const restarting = failure(keeper.restart(sourceOf('next')));
  await vi.waitUntil(() => next.signal, slowTimeout);
  await keeper.destroy();
  expect((await restarting).code).toBe('no-machine');
  expect(next.signal?.aborted).toBe(true);
  gate.open();
  await vi.waitUntil(() => next.log.includes('discard'), slowTimeout);
  expect(old.running).toBe(false);
  expect(keeper.info().machine).toBeNull();
});

test('when the old runtime cannot be put back the guest has crashed, with a report', async () => {
  const old = await startOld();
  old.options.fail = { unpark: new Error('no way back') };
  runtime('next', { fail: { load: new Error('on purpose') } });
  const error = await failure(keeper.restart(sourceOf('next')));
  expect(error.message).toContain('on purpose');
  expect(error.message).toContain('no way back');
  const { machine } = keeper.info();
  expect(machine?.runstate).toBe('internal-error');
  expect(machine?.crash).toContain('no way back');
});

test('a crash ends in internal-error with a report; the machine can be replaced', async () => {
  const old = await startOld();
  await keeper.attach(page.port2, '');
  old.host?.crashed(new Error('divide by cucumber'));
  const { machine } = keeper.info();
  expect(machine).toMatchObject({ runstate: 'internal-error' });
  expect(machine?.crash).toContain('divide by cucumber');
  await vi.waitUntil(() => typesOf().includes('error'), slowTimeout);

  runtime('next');
  expect((await failure(keeper.restart(sourceOf('next')))).code).toBe('bad-runstate');
  expect((await failure(keeper.pause())).code).toBe('bad-runstate');
  await keeper.start({ config, runtime: sourceOf('next'), replace: true });
  expect(keeper.info().machine).toMatchObject({ runstate: 'running', runtimeId: 'next' });
  old.host?.crashed(new Error('a ghost'));
  expect(keeper.info().machine?.runstate).toBe('running');
});

test('an old runtime speaks for the guest no more after a restart', async () => {
  const old = await startOld();
  runtime('next');
  await keeper.restart(sourceOf('next'));
  old.host?.consoleOutput('serial0', Uint8Array.of(65));
  old.host?.crashed(new Error('a ghost'));
  await keeper.attach(page.port2, '');
  await vi.waitUntil(() => typesOf().includes('mouse-mode'), slowTimeout);
  expect(typesOf()).not.toContain('console');
  expect(keeper.info().machine?.runstate).toBe('running');
});

test.each(['prepare', 'boot', 'run'] as const)(
  'a start that fails in %s leaves no machine',
  async (step) => {
    runtime('old', { fail: { [step]: new Error('on purpose') } });
    const error = await failure(keeper.start({ config, runtime: sourceOf('old') }));
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error.phase).toBeUndefined();
    expect(keeper.info().machine).toBeNull();
    expect((await failure(keeper.pause())).code).toBe('no-machine');
  },
);

test('a start that fails leaves the machine before it as it was', async () => {
  const old = await startOld();
  expect((await failure(keeper.start({ config, runtime: sourceOf('old') }))).code).toBe(
    'bad-runstate',
  );
  runtime('next', { crashIn: 'boot' });
  const request = { config, runtime: sourceOf('next'), replace: true };
  expect((await failure(keeper.start(request))).message).toContain('died in boot');
  expect(old.running).toBe(true);
  expect(keeper.info().machine).toMatchObject({ runtimeId: 'old', runstate: 'running' });
});

test('a preparation that takes too long is given up, and blocks the next until it has ended', async () => {
  const old = await startOld();
  vi.useFakeTimers();
  const gate = openable();
  const next = runtime('next', { prepareGate: gate.opened });
  const restarting = failure(keeper.restart(sourceOf('next')));
  await vi.advanceTimersByTimeAsync(120_000);
  vi.useRealTimers();
  expect(await restarting).toMatchObject({ code: 'runtime-unavailable', phase: 'prepare' });
  expect(old.running).toBe(true);

  // Two preparations at once would share scratch memory.
  expect((await failure(keeper.restart(sourceOf('next')))).code).toBe('busy');
  gate.open();
  await vi.waitUntil(() => next.log.includes('discard'), slowTimeout);
  await keeper.restart(sourceOf('next'));
  expect(next.running).toBe(true);
});

test('a start can be given up with destroy', async () => {
  runtime('old', { prepareGate: new Promise(() => {}) });
  const starting = failure(keeper.start({ config, runtime: sourceOf('old') }));
  await keeper.destroy();
  expect((await starting).code).toBe('no-machine');
});

test('a page that comes late gets the scrollback without a gap, then live output', async () => {
  const old = await startOld();
  const print = (text: string) =>
    old.host?.consoleOutput('serial0', new TextEncoder().encode(text));
  print('before ');
  await keeper.attach(page.port2, '');
  print('after');
  await vi.waitUntil(
    () => events.filter(({ type }) => type === 'console').length >= 2,
    slowTimeout,
  );
  const consoles = events.filter((event) => event.type === 'console');
  expect(consoles.map(({ offset }) => offset)).toEqual([0, 7]);
  expect(consoles.map(({ bytes }) => new TextDecoder().decode(bytes)).join('')).toBe(
    'before after',
  );
  expect(typesOf()[0]).toBe('status');
});

test('output of the same slice as an attach arrives once', async () => {
  const old = await startOld();
  old.host?.consoleOutput('serial0', Uint8Array.of(65));
  const attached = keeper.attach(page.port2, '');
  old.host?.consoleOutput('serial0', Uint8Array.of(66));
  await attached;
  await vi.waitUntil(
    () => events.filter(({ type }) => type === 'console').length >= 2,
    slowTimeout,
  );
  const consoles = events.filter((event) => event.type === 'console');
  expect(consoles.map(({ offset, bytes }) => [offset, ...bytes])).toEqual([
    [0, 65],
    [1, 66],
  ]);
});

test('commands of a runtime are called by name, and unknown ones are reported', async () => {
  await startOld();
  expect(keeper.command('echo', ['hello'])).toBe('hello');
  for (const name of ['levitate', 'constructor', 'toString', '__proto__']) {
    expect(() => keeper.command(name, [])).toThrow(expect.objectContaining({ code: 'internal' }));
  }
});

test('a machine starts anew from contents that only the one before it has', async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  runtime('old');
  await keeper.start({ config: { ...config, bzImage: { bytes } }, runtime: sourceOf('old') });
  const described = keeper.info().machine?.config;
  expect(described?.bzImage).toEqual({ bytes: new Uint8Array(0), sizeBytes: 3 });

  const next = runtime('next');
  const request = { config: described ?? config, runtime: sourceOf('next'), replace: true };
  await keeper.start(request);
  expect(next.host?.config.bzImage).toEqual({ bytes });
  await keeper.destroy();
  const error = await failure(keeper.start(request));
  expect(error).toMatchObject({ code: 'image-unavailable' });
  expect(error.message).toContain('bzImage');
});
