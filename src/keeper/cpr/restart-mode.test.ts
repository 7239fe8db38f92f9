import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import type { CprTarget } from '../../protocol/cpr.ts';
import type { CprSaveReport } from '../../protocol/keeper-api.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import {
  FakeRuntime,
  FakeStore,
  fakeConfig,
  fakeVmstate,
  textOfVmstate,
} from '../testing/fake-runtime.ts';
import { begin, expectSavedRunstate, failure, savedRunstates } from '../testing/saved-runstates.ts';
import { xxh64 } from './digest.ts';
import { decomposeVmstate } from './sections.ts';
import type { AroundStep, CprStep } from './steps.ts';

const { h64Raw: digest } = await xxh64();

let old: FakeRuntime;
let next: FakeRuntime;
let keeper: Keeper;
let fakeStore: FakeStore;
/** Throws at a step, when set. */
let around: AroundStep | undefined;
/** Steps that were started. */
let steps: string[];

beforeEach(async () => {
  vi.stubGlobal('navigator', {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  old = new FakeRuntime('old');
  next = new FakeRuntime('next');
  fakeStore = new FakeStore();
  around = undefined;
  steps = [];
  const modules = new Map([old, next].map((fake) => [fake.source.url, fake]));
  const loader = new RuntimeLoader(async (url) => modules.get(url)?.module);
  keeper = new Keeper(
    { instanceId: 'test', survivesPages: false, startedAtMs: 0 },
    {
      loader,
      openStore: async () => fakeStore.store,
      around: (operation, step, when) => {
        if (when === 'before') steps.push(`${operation} ${step}`);
        around?.(operation, step, when);
      },
    },
  );
  await keeper.start({ config: fakeConfig, runtime: old.source });
  old.log.length = 0;
});

afterEach(async () => {
  await keeper.destroy().catch(() => {});
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A file on disk as the File System Access API shows it; `fail` is the call that fails. */
function fakeFile(fail?: 'createWritable' | 'write' | 'close') {
  const file = { name: 'guest.vmstate', content: 'what was there', aborted: false };
  const orFail = (call: string) => {
    if (call === fail) throw new DOMException(`no ${call}`, 'NotAllowedError');
  };
  const createWritable = async () => {
    orFail('createWritable');
    let aside: Uint8Array | undefined;
    return {
      write: async (bytes: Uint8Array) => {
        orFail('write');
        aside = bytes;
      },
      close: async () => {
        orFail('close');
        if (aside) file.content = `a vmstate of ${aside.length} bytes`;
      },
      abort: async () => {
        file.aborted = true;
      },
    };
  };
  const handle = { name: file.name, createWritable } as unknown as FileSystemFileHandle;
  return { file, target: { kind: 'file', handle } as const };
}

const runstate = () => keeper.info().machine?.runstate;
const toBytes: CprTarget = { kind: 'bytes' };

const save = (target: CprTarget = toBytes) =>
  keeper.cprSave(target, { mode: 'restart', runtime: next.source });
const sourceOf = ({ bytes = new Uint8Array() }: CprSaveReport) =>
  ({ kind: 'bytes', bytes }) as const;

test('cprSave makes the runtime ready, stops, saves and writes; the guest is then held', async () => {
  const report = await save();
  expect(steps.map((step) => step.split(' ')[1])).toEqual([
    'blockers',
    'prepare',
    'quiesce',
    'stop',
    'save',
    'write',
    'hold',
  ]);
  expect(old.log).toEqual(['quiesce', 'stop', 'save']);
  expect(next.log).toEqual(['prepare']);
  expect(runstate()).toBe('inmigrate');
  expect(report).toMatchObject({ mode: 'restart', runstate: 'running' });
  expect(report.machineId).toBe(keeper.info().machine?.config.id);
  expect(report.vmstateBytes).toBe(report.bytes?.length);
});

test('the vmstate says whose it is, what the machine did and which RAM it belongs to', async () => {
  await keeper.suspend();
  await keeper.pause();
  const { bytes = new Uint8Array(), machineId } = await save();
  const saved = decomposeVmstate(bytes, digest);
  expect(saved.machine).toMatchObject({
    id: machineId,
    name: 'test',
    mode: 'restart',
    runstate: 'paused',
    wasSuspended: true,
    config: { memoryMiB: 16 },
    runtime: { id: 'old' },
  });
  expect(saved.blocks.blocks.map(({ name }) => name)).toContain('pc.ram');
  expect(saved.checkpoint).toBeUndefined();
  expect(textOfVmstate(saved.device)).toBe('state of old');
});

test('cprLoad hands the held guest over', async () => {
  const report = await save();
  const loaded = await keeper.cprLoad(sourceOf(report));
  expect(next.log).toEqual(['prepare', 'state of old', 'load', 'run']);
  expect(old.log).toEqual(['quiesce', 'stop', 'save', 'park', 'destroy']);
  expect(loaded).toMatchObject({ runstate: 'running', runtimeId: 'next', v86Version: 'next' });
  expect(keeper.info().machine).toMatchObject({
    runstate: 'running',
    runtimeId: 'next',
    restarts: 1,
  });
});

test('without a runtime the present one is made anew', async () => {
  const report = await keeper.cprSave(toBytes, { mode: 'restart' });
  expect(old.log).toEqual(['prepare', 'quiesce', 'stop', 'save']);
  await keeper.cprLoad(sourceOf(report));
  expect(old.log.slice(4)).toEqual(['park', 'state of old', 'load', 'run', 'destroy']);
  expect(runstate()).toBe('running');
});

describe.each(savedRunstates)('a machine that was %s', (savedRunstate) => {
  test('has that runstate after cprSave and cprLoad', async () => {
    await begin(keeper, savedRunstate);
    const report = await save();
    expect(runstate()).toBe('inmigrate');
    await keeper.cprLoad(sourceOf(report));
    await expectSavedRunstate(keeper, savedRunstate, next);
  });

  test('has that runstate after cprSave and cprCancel, in the runtime it had', async () => {
    await begin(keeper, savedRunstate);
    await save();
    await keeper.cprCancel();
    expect(next.log).toContain('discard');
    await expectSavedRunstate(keeper, savedRunstate, old);
  });

  test('has that runstate after a live update', async () => {
    await begin(keeper, savedRunstate);
    await keeper.restart(next.source);
    await expectSavedRunstate(keeper, savedRunstate, next);
  });

  test.each<CprStep>(['blockers', 'prepare', 'quiesce', 'stop', 'save', 'write', 'hold'])(
    'is restored when cprSave dies before or after "%s"',
    async (step) => {
      await begin(keeper, savedRunstate);
      for (const when of ['before', 'after'] as const) {
        next.log.length = 0;
        around = dieAt('cprSave', step, when);
        const error = await failure(save());
        expect(error).toBeInstanceOf(HoldfastError);
        expect(error.message).toContain('killed');
        expect(error.phase).toBeDefined();
        expect(old.log).not.toContain('park');
        expect(next.log.includes('discard')).toBe(next.log.includes('prepare'));
      }
      around = undefined;
      await expectSavedRunstate(keeper, savedRunstate, old);
      await keeper.cprLoad(sourceOf(await save()));
      expect(next.running).toBe(true);
    },
  );

  test.each<CprStep>(['read', 'decode', 'prepare', 'swap', 'load', 'run'])(
    'is held as before when cprLoad dies before or after "%s", and can be loaded or released',
    async (step) => {
      await begin(keeper, savedRunstate);
      const report = await save();
      for (const when of ['before', 'after'] as const) {
        around = dieAt('cprLoad', step, when);
        const error = await failure(keeper.cprLoad(sourceOf(report)));
        expect(error.message).toContain('killed');
        expect(error.phase).toBeDefined();
        expect(runstate()).toBe('inmigrate');
        expect([old.running, next.running]).toEqual([false, false]);
      }
      around = undefined;
      await keeper.cprCancel();
      await expectSavedRunstate(keeper, savedRunstate, old);

      await keeper.cprLoad(sourceOf(await save()));
      await keeper.resume();
      expect(next.running).toBe(true);
    },
  );
});

function dieAt(at: string, killed: CprStep, moment: 'before' | 'after'): AroundStep {
  return (operation, step, when) => {
    if (operation === at && step === killed && when === moment) throw new Error('killed');
  };
}

test('a runtime that fails to load the state is made ready anew for the next cprLoad', async () => {
  const report = await save();
  next.options.fail = { load: new Error('on purpose') };
  expect(await failure(keeper.cprLoad(sourceOf(report)))).toMatchObject({
    code: 'runtime-failed',
    phase: 'load',
  });
  expect(old.log).toContain('unpark');
  expect(runstate()).toBe('inmigrate');
  next.options = {};
  await keeper.cprLoad(sourceOf(report));
  expect(next.log.filter((step) => step === 'prepare')).toHaveLength(2);
  expect(next.running).toBe(true);
});

test('another runtime than the one that was made ready can load the state', async () => {
  const report = await save();
  const loaded = await keeper.cprLoad(sourceOf(report), { runtime: old.source });
  expect(loaded.runtimeId).toBe('old');
  expect(next.log).toEqual(['prepare', 'discard']);
  expect(runstate()).toBe('running');
});

test('a held guest whose old runtime cannot be put back has crashed', async () => {
  const report = await save();
  next.options.fail = { load: new Error('on purpose') };
  old.options.fail = { unpark: new Error('no way back') };
  const error = await failure(keeper.cprLoad(sourceOf(report)));
  expect(error.message).toContain('no way back');
  expect(keeper.info().machine).toMatchObject({ runstate: 'internal-error' });
});

describe('cprSave is refused', () => {
  test('with no machine', async () => {
    await keeper.destroy();
    expect(await failure(save())).toMatchObject({ code: 'no-machine' });
  });

  test('for a machine that crashed, was saved already, or has another operation under way', async () => {
    const first = save();
    expect(await failure(save())).toMatchObject({ code: 'busy' });
    await first;
    expect(await failure(save())).toMatchObject({ code: 'bad-runstate' });
    await keeper.cprCancel();
    old.host?.crashed(new Error('dead'));
    expect(await failure(save())).toMatchObject({ code: 'bad-runstate' });
  });

  test('by blockers, with their sentences, before anything is prepared', async () => {
    old.options.blockers = (mode) => [
      { code: 'network-cannot-follow', device: 'net0', message: `No connections in ${mode}.` },
      { code: 'operation-in-flight', message: 'A write is under way.' },
    ];
    const error = await failure(save());
    expect(error).toMatchObject({ code: 'blocked' });
    expect(error.message).toContain('net0: No connections in restart. A write is under way.');
    expect(next.log).toEqual([]);
    expect(old.running).toBe(true);
    expect((await keeper.cprBlockers('restart')).map(({ code }) => code)).toEqual([
      'network-cannot-follow',
      'operation-in-flight',
    ]);
  });
});

describe('cprLoad is refused', () => {
  test('for a machine that is not in inmigrate, from any source', async () => {
    const { bytes = new Uint8Array() } = await save();
    await keeper.cprCancel();
    for (const savedRunstate of savedRunstates) {
      await begin(keeper, savedRunstate);
      const error = await failure(keeper.cprLoad({ kind: 'bytes', bytes }));
      expect(error).toMatchObject({ code: 'bad-runstate' });
      await expectSavedRunstate(keeper, savedRunstate, old);
    }
  });

  const strange: [string, (good: Uint8Array) => Uint8Array][] = [
    ['nothing', () => new Uint8Array()],
    ['something else', () => new TextEncoder().encode('no vmstate at all, but long enough')],
    ['a vmstate that is cut off', (good) => good.slice(0, -8)],
    [
      'a vmstate with a flipped bit',
      (good) => good.map((byte, i) => (i === 200 ? byte ^ 1 : byte)),
    ],
    ['a vmstate of a runtime alone', () => fakeVmstate('device state')],
  ];

  test.each(strange)('for %s, and the guest is held as before', async (_what, spoil) => {
    const report = await save();
    const bytes = spoil(report.bytes ?? new Uint8Array());
    const error = await failure(keeper.cprLoad({ kind: 'bytes', bytes }));
    expect(error).toMatchObject({ code: 'bad-vmstate', phase: 'read' });
    expect(runstate()).toBe('inmigrate');
    expect(next.log).toEqual(['prepare']);
    await keeper.cprLoad(sourceOf(report));
    expect(next.running).toBe(true);
  });

  test('for the state of another moment, because its RAM is gone', async () => {
    const stale = await save();
    await keeper.cprCancel();
    const fresh = await save();
    expect(await failure(keeper.cprLoad(sourceOf(stale)))).toMatchObject({ code: 'wrong-machine' });
    await keeper.cprLoad(sourceOf(fresh));
    expect(next.running).toBe(true);
  });

  test('for the state of another machine', async () => {
    const other = await save();
    await keeper.start({ config: fakeConfig, runtime: old.source, replace: true });
    await save();
    expect(await failure(keeper.cprLoad(sourceOf(other)))).toMatchObject({ code: 'wrong-machine' });
    expect(runstate()).toBe('inmigrate');
  });

  test('with the code of the runtime, which alone knows its disks', async () => {
    const report = await save();
    const wrongDisk = new HoldfastError('wrong-disk', 'hda is another one.');
    next.options.fail = { load: wrongDisk };
    expect(await failure(keeper.cprLoad(sourceOf(report)))).toMatchObject({ code: 'wrong-disk' });
    expect(runstate()).toBe('inmigrate');
  });
});

describe('a target', () => {
  test('in the store is replaced as a whole, and loaded by name', async () => {
    fakeStore.entries.set('mine', Uint8Array.of(1));
    const report = await save({ kind: 'store', name: 'mine' });
    expect(report.bytes).toBeUndefined();
    expect(fakeStore.entries.get('mine')?.length).toBe(report.vmstateBytes);
    expect(await failure(keeper.cprLoad({ kind: 'store', name: 'yours' }))).toMatchObject({
      code: 'not-found',
      phase: 'read',
    });
    await keeper.cprLoad({ kind: 'store', name: 'mine' });
    expect(next.running).toBe(true);
  });

  test('that is a file is written aside, and replaced when it is closed', async () => {
    const { file, target } = fakeFile();
    const { vmstateBytes } = await save(target);
    expect(file.content).toBe(`a vmstate of ${vmstateBytes} bytes`);
  });

  test.each(['createWritable', 'write', 'close'] as const)(
    'a file keeps its contents when its %s fails, and the guest continues',
    async (call) => {
      const { file, target } = fakeFile(call);
      const error = await failure(save(target));
      expect(error).toMatchObject({ code: 'file-failed', phase: 'write' });
      expect(file.content).toBe('what was there');
      expect(file.aborted).toBe(call !== 'createWritable');
      await expectSavedRunstate(keeper, 'running', old);
    },
  );

  test('an unknown kind is refused, and the guest keeps running', async () => {
    const error = await failure(save({ kind: 'cloud' } as never));
    expect(error).toMatchObject({ code: 'bad-config' });
    await expectSavedRunstate(keeper, 'running', old);
  });

  test('that is a file can be loaded', async () => {
    const { bytes = new Uint8Array() } = await save();
    await keeper.cprLoad({ kind: 'file', file: new Blob([bytes as Uint8Array<ArrayBuffer>]) });
    expect(next.running).toBe(true);
  });
});

test('while the guest is stopped for a save, no caller can start it', async () => {
  for (const savedRunstate of savedRunstates) {
    await begin(keeper, savedRunstate);
    const codes: string[] = [];
    around = (_operation, step, when) => {
      if (step !== 'write' || when !== 'before') return;
      for (const call of ['pause', 'resume', 'suspend', 'wakeup'] as const)
        void failure(keeper[call]()).then(({ code }) => codes.push(code));
      expect(() => keeper.command('consoleInput', ['serial0', new Uint8Array()])).toThrow(
        expect.objectContaining({ code: 'bad-runstate' }),
      );
    };
    await save();
    expect(codes).toEqual(['busy', 'busy', 'busy', 'busy']);
    around = undefined;
    await keeper.cprCancel();
    await expectSavedRunstate(keeper, savedRunstate, old);
  }
});

test('a guest that is held takes no input and starts with nothing but cprLoad and cprCancel', async () => {
  await save();
  for (const call of ['pause', 'resume', 'suspend', 'wakeup'] as const)
    expect(await failure(keeper[call]())).toMatchObject({ code: 'bad-runstate' });
  expect(await failure(keeper.restart(next.source))).toMatchObject({ code: 'bad-runstate' });
  expect(() => keeper.command('consoleInput', ['serial0', new Uint8Array()])).toThrow(
    expect.objectContaining({ code: 'bad-runstate' }),
  );
  expect(old.log).not.toContain('run');
});

test('a guest that is held can be looked at, and its runtime is given back when it is destroyed', async () => {
  await save();
  expect(keeper.command('infoNothing', [])).toBe('nothing');
  await keeper.destroy();
  expect(next.log).toEqual(['prepare', 'discard']);
});

test('cprCancel is refused for a machine that nothing was saved of', async () => {
  expect(await failure(keeper.cprCancel())).toMatchObject({ code: 'bad-runstate' });
  expect(old.running).toBe(true);
});

test('a machine that is destroyed while it is saved ends the save', async () => {
  around = (_operation, step, when) => {
    if (step === 'write' && when === 'before') void keeper.destroy();
  };
  expect(await failure(save())).toMatchObject({ code: 'no-machine' });
  expect(next.log).toContain('discard');
  expect([old.running, next.running]).toEqual([false, false]);
});

test('a guest that dies while it is saved stays dead', async () => {
  around = (_operation, step, when) => {
    if (step === 'write' && when === 'before') old.host?.crashed(new Error('dead'));
  };
  expect(await failure(save())).toMatchObject({ code: 'bad-runstate' });
  expect(runstate()).toBe('internal-error');
  expect(old.running).toBe(false);
});
