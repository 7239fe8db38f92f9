import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HoldfastError, type HoldfastErrorCode } from '../../errors.ts';
import type { UrlOptions } from '../address/page-options.ts';
import type { Session } from '../session/session.ts';
import { GuestStarter, type GuestStarterOptions } from './guest-starter.ts';

const build = {
  id: 'r',
  v86Version: '1',
  url: 'r.js',
  wasmUrl: 'r.wasm',
  sha256: '',
  wasmSha256: '',
  wasmBytes: 0,
};
const demo = {
  config: { memoryMiB: 64, name: 'Linux' },
  prompt: '# ',
  promptState: 'https://x.test/s',
};
const own = { memoryMiB: 32, name: 'Mine', mac: '00:22:15:00:00:01' };

beforeEach(() => vi.stubGlobal('document', { baseURI: 'https://x.test/' }));
afterEach(() => vi.unstubAllGlobals());

/** A starter among parts that only write down what is asked of them. */
function starterOf(
  address: Partial<UrlOptions> = {},
  overrides: Partial<GuestStarterOptions> = {},
) {
  const fails: Partial<Record<'start' | 'openState' | 'resumeStored', HoldfastErrorCode>> = {};
  const calls: string[] = [];
  const did = (name: string) => () => void calls.push(name);
  const call =
    (name: keyof typeof fails) =>
    async (...given: unknown[]) => {
      calls.push(name);
      const code = fails[name];
      // Only the first time: what is tried again works.
      delete fails[name];
      if (code) throw new HoldfastError(code, 'It failed.');
      return given;
    };
  const machine = {
    start: vi.fn(call('start')),
    openState: vi.fn(call('openState')),
    resumeStored: vi.fn(async () => {
      await call('resumeStored')();
      return { fellBack: undefined };
    }),
    unwatch: () => {},
  };
  const session = {
    machineId: 'm',
    status: null as unknown,
    machine: null,
    connect: async () => void calls.push('connect'),
    run: (_: string, work: (on: typeof machine) => Promise<unknown>) => work(machine),
    setGuestSource: did('setGuestSource'),
    anyStatus: async () => false,
  };
  const reports = {
    attempt: async (_: string, work: () => Promise<unknown>) => {
      await work();
      return true;
    },
    report: vi.fn<(error: HoldfastError, operation: string) => void>(),
  };
  const options = {
    session: session as unknown as Session,
    address: { durable: true, ...address } as UrlOptions,
    reports,
    stored: {
      open: async () => void calls.push('stored.open'),
      watch: async () => void calls.push('stored.watch'),
      settled: did('stored.settled'),
      config: undefined,
      replaced: undefined,
    },
    neededFiles: { ask: async () => void calls.push('ask for files') },
    runtime: () => build,
    approve: async () => void calls.push('approve'),
    load: async () => ({ ...demo, config: { ...demo.config } }) as never,
    takePreloaded: async () => false,
    openState: async () => {
      calls.push('address state');
      return true;
    },
    own: () => ({}),
    events: {
      connected: () => {},
      starting: () => {},
      failed: did('failed'),
      expectNewMachine: () => {},
      newMachineBegan: () => {},
      resumed: did('resumed'),
      booted: did('booted'),
      attached: did('attached'),
      opened: did('opened'),
    },
    ...overrides,
  } satisfies GuestStarterOptions;
  return { starter: new GuestStarter(options), calls, fails, machine, session, reports, options };
}

describe('opening the page', () => {
  test('shows the guest that the keeper has', async () => {
    const { starter, session, calls } = starterOf();
    session.status = { runstate: 'running' };
    await starter.open();
    expect(calls).toEqual(['connect', 'attached', 'opened']);
  });

  test('shows the guest that was asked for before the page was there', async () => {
    const { starter, calls } = starterOf({}, { takePreloaded: async () => true });
    await starter.open();
    expect(calls).toEqual(['connect', 'attached', 'opened']);
  });

  test('leaves it to storage where the keeper has no guest', async () => {
    const { starter, calls } = starterOf();
    await starter.open();
    expect(calls).toEqual(['connect', 'stored.open', 'opened']);
  });

  test('does nothing more where it could not connect', async () => {
    const { starter, calls, reports } = starterOf();
    reports.attempt = async () => false;
    await starter.open();
    expect(calls).toEqual([]);
  });

  test('opens the state of the address once, also where there is a guest', async () => {
    const { starter, session, calls } = starterOf({ state: { url: 'https://x.test/s' } });
    session.status = { runstate: 'running' };
    await starter.open();
    await starter.open();
    expect(calls).toEqual(['connect', 'address state', 'opened', 'connect', 'attached', 'opened']);
  });

  test('a state that cannot be opened leaves the guest, and is reported', async () => {
    const { starter, session, calls, reports } = starterOf(
      { state: { url: 'https://x.test/s' } },
      { openState: () => Promise.reject(new HoldfastError('bad-state-file', 'It is damaged.')) },
    );
    session.status = { runstate: 'running' };
    await starter.open();
    expect(calls).toContain('attached');
    expect(reports.report.mock.calls[0]?.slice(0, 2)).toMatchObject([
      { code: 'bad-state-file' },
      'open-state',
    ]);
  });
});

describe('starting', () => {
  test('opens the demo guest at its prompt', async () => {
    const { starter, calls, machine } = starterOf();
    await starter.start(false);
    expect(calls).toEqual(['approve', 'openState', 'setGuestSource', 'booted', 'stored.settled']);
    expect(machine.openState.mock.calls[0]?.[0]).toBe(demo.promptState);
  });

  test.each([
    ['who starts fresh', {}, true],
    ['who asks for a cold boot', { coldBoot: true }, false],
  ])('%s sees it boot', async (_, address, replace) => {
    const { starter, machine } = starterOf(address);
    await starter.start(replace);
    expect(machine.openState).not.toHaveBeenCalled();
    expect(machine.start.mock.calls[0]?.[2]).toEqual({ replace });
  });

  test('boots it where the state at its prompt cannot be opened', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { starter, calls, fails } = starterOf();
    fails.openState = 'bad-state-file';
    await starter.start(false);
    expect(calls).toEqual([
      'approve',
      'openState',
      'start',
      'setGuestSource',
      'booted',
      'stored.settled',
    ]);
  });

  test('joins the guest that another page started meanwhile', async () => {
    const { starter, session, calls, fails, reports } = starterOf();
    fails.openState = 'bad-runstate';
    session.anyStatus = async () => true;
    await starter.start(false);
    expect(calls).toEqual(['approve', 'openState', 'attached']);
    expect(reports.report).not.toHaveBeenCalled();
  });

  test('starts it itself if the other page starts none', async () => {
    const { starter, calls, fails } = starterOf();
    fails.openState = 'busy';
    await starter.start(false);
    expect(calls).toEqual([
      ...['approve', 'openState'],
      ...['approve', 'openState', 'setGuestSource', 'booted', 'stored.settled'],
    ]);
  });

  test('shows a machine that runs in another tab', async () => {
    const { starter, calls, fails } = starterOf();
    fails.openState = 'taken-over';
    await starter.start(false);
    expect(calls.slice(-2)).toEqual(['failed', 'stored.watch']);
  });

  test('a start in place of another guest attaches to none: failures are reported', async () => {
    const { starter, session, fails, reports } = starterOf();
    session.anyStatus = async () => true;
    fails.start = 'bad-runstate';
    await starter.start(true);
    expect(reports.report.mock.calls[0]?.slice(0, 2)).toMatchObject([
      { code: 'bad-runstate' },
      'start',
    ]);
  });

  test('without checkpoints what is stored is still waiting', async () => {
    const { starter, calls, machine } = starterOf();
    await starter.start(false, false);
    expect(calls).not.toContain('stored.settled');
    expect(machine.openState.mock.calls[0]?.[1]).toMatchObject({ config: { durable: false } });
  });

  test('a machine of its own starts fresh from what it was made of, unasked, as another clone', async () => {
    const { starter, session, calls, machine } = starterOf({ hasMachineId: true });
    session.status = { config: own };
    await starter.start(true);
    expect(calls).not.toContain('approve');
    expect(machine.start.mock.calls[0]?.[0]).toEqual({
      memoryMiB: 32,
      name: 'Mine',
      id: 'm',
      durable: true,
    });
  });

  test('after a move the options of the address are those of another machine', async () => {
    const { starter, session, machine } = starterOf({ memoryMiB: 512 });
    session.status = { config: own };
    starter.moved();
    await starter.start(true);
    expect(machine.start.mock.calls[0]?.[0]).toMatchObject({ memoryMiB: 32 });
  });

  test('a machine that the address describes is foreign', async () => {
    const { starter, machine } = starterOf({ machine: {} as never, coldBoot: true });
    await starter.start(false);
    expect(machine.start.mock.calls[0]?.[0]).toMatchObject({ foreign: true });
  });
});

describe('resuming', () => {
  test('settles what was waiting in storage', async () => {
    const { starter, calls } = starterOf();
    await starter.resume();
    expect(calls).toEqual(['resumeStored', 'setGuestSource', 'stored.settled', 'resumed']);
  });

  test.each<[HoldfastErrorCode, { takeOver?: boolean; replace?: boolean }, string]>([
    ['taken-over', {}, 'stored.watch'],
    ['file-needed', {}, 'ask for files'],
    ['bad-runstate', {}, 'attached'],
    ['busy', {}, 'attached'],
  ])('%s with %o leads to: %s', async (code, how, expected) => {
    const { starter, session, calls, fails, reports } = starterOf();
    session.anyStatus = async () => true;
    fails.resumeStored = code;
    await starter.resume(how);
    expect(calls.at(-1)).toBe(expected);
    expect(reports.report).not.toHaveBeenCalled();
  });

  test.each<[HoldfastErrorCode, { takeOver?: boolean; replace?: boolean }]>([
    ['bad-runstate', { replace: true }],
    ['busy', { takeOver: true }],
    ['storage-damaged', {}],
  ])('%s with %o is reported', async (code, how) => {
    const { starter, session, fails, reports } = starterOf();
    session.anyStatus = async () => true;
    fails.resumeStored = code;
    await starter.resume(how);
    expect(reports.report.mock.calls[0]?.slice(0, 2)).toMatchObject([{ code }, 'resume-stored']);
  });
});

describe('whether the guest is new here', () => {
  const newer = () => performance.timeOrigin + 1;
  test.each([
    ['one that booted under this page', () => ({ bootedAtMs: newer() }), true],
    ['one that booted before it', () => ({ bootedAtMs: 1 }), false],
    [
      'one that was resumed',
      () => ({ bootedAtMs: newer(), startSource: { kind: 'resumed' } }),
      false,
    ],
    [
      'one that was opened under this page',
      () => ({ bootedAtMs: 1, startSource: { kind: 'opened', openedAtMs: newer() } }),
      true,
    ],
  ])('%s', (_, status, expected) => {
    const { starter, session } = starterOf();
    session.status = status();
    expect(starter.isNewHere).toBe(expected);
  });
});
