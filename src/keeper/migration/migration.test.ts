import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { slowTimeout } from '../../../tools/slow-timeout.ts';
import { HoldfastError } from '../../errors.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import type { MigrateOptions, MigrationInfo } from '../../protocol/migration.ts';
import { xxh64 } from '../cpr/digest.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import type { AroundStep, CprStep, MigrationStep } from '../cpr/steps.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';
import { PortChannel } from './channel.ts';
import { MigrationLink } from './link.ts';
import type { MessageKind } from './message.ts';
import { encodeAccepted, encodeSetup } from './setup.ts';

const id = 'm';
let here: FakeRuntime;
let there: FakeRuntime;
let source: Keeper;
let destination: Keeper;
let around: AroundStep | undefined;
const { h64Raw: h64 } = await xxh64();
let fakeStore: FakeStore;
const events: MigrationInfo[] = [];
const ports: MessagePort[] = [];

function keeperWith({ source, module }: FakeRuntime, instanceId: string, name = ''): Keeper {
  return new Keeper(
    { instanceId, survivesPages: false, startedAtMs: 0 },
    {
      loader: new RuntimeLoader(async (url) => (url === source.url ? module : undefined)),
      openStore: async () => fakeStore.store,
      name,
      around: (...step) => around?.(...step),
    },
  );
}

beforeEach(() => {
  // Without Web Locks: two keepers of one process would share them.
  vi.stubGlobal('navigator', {});
  here = new FakeRuntime('here', { tracksWrites: true });
  there = new FakeRuntime('there', { tracksWrites: true });
  fakeStore = new FakeStore();
  source = keeperWith(here, 'source');
  destination = keeperWith(there, 'destination');
  around = undefined;
  events.length = 0;
});

afterEach(async () => {
  for (const keeper of [source, destination]) await keeper.destroy().catch(() => {});
  for (const port of ports.splice(0)) port.close();
  vi.unstubAllGlobals();
});

async function start(config = {}): Promise<void> {
  await source.start({ config: { ...fakeConfig, id, ...config }, runtime: here.source });
  const { port1, port2 } = new MessageChannel();
  ports.push(port1);
  port1.onmessage = ({ data }: MessageEvent<MachineEvent>) => {
    if (data.type === 'migration') events.push(data.info);
  };
  await source.attach(port2, '');
}

function migrate(options?: MigrateOptions) {
  const { port1, port2 } = new MessageChannel();
  const arriving = destination.migrateIncoming({ runtimes: [there.source] }, port2);
  // A busy computer is no failure; the test of the limit sets it.
  const leaving = source.migrate(port1, { downtimeLimitMs: 30_000, ...options });
  for (const promise of [arriving, leaving]) promise.catch(() => {});
  return { leaving, arriving, port1 };
}

const statuses = () => events.map(({ status }) => status);
const untilStatus = (status: MigrationInfo['status']) =>
  vi.waitFor(() => expect(statuses()).toContain(status), slowTimeout);
const runstates = () =>
  [source, destination].map((keeper) => keeper.info().machine?.runstate ?? null);

/** The guest runs here as if nothing had been tried, and nothing of it is at the destination. */
async function expectHere(): Promise<void> {
  expect(runstates()).toEqual(['running', null]);
  expect([here.running, there.running]).toEqual([true, false]);
  await source.pause();
  await source.resume();
  expect(here.running).toBe(true);
}

describe('a guest that moves', () => {
  test('[MI1] runs at the destination with memory, pieces and consoles, and the source ends', async () => {
    await start();
    here.memory('pc.ram').fill(7, 5000, 9000);
    here.memory('vga.vram').fill(3, 0, 100);
    here.host?.consoleOutput('serial0', new TextEncoder().encode('login: '));
    here.host?.pieces?.('9p.files').set(4, Uint8Array.of(1, 2, 3));
    const { leaving, arriving } = migrate();
    const report = await leaving;
    expect(await arriving).toMatchObject({ machineId: id, v86Version: 'there' });
    expect(report).toMatchObject({ machineId: id, status: 'completed' });
    expect([here.running, there.running]).toEqual([false, true]);
    expect(there.memory('pc.ram').subarray(0, 16384)).toEqual(
      new Uint8Array(16384).fill(7, 5000, 9000),
    );
    expect(there.memory('vga.vram')[99]).toBe(3);
    expect(there.host?.pieces?.('9p.files').get(4)).toEqual(Uint8Array.of(1, 2, 3));
    expect(there.log).toContain('state of here');
    expect(source.info().machine).toBeNull();
    expect(destination.info().machine).toMatchObject({
      runstate: 'running',
      config: { id },
      startSource: { kind: 'migrated' },
    });
  });

  test.each(['paused', 'suspended'] as const)(
    '[MI1] is %s there as it was here',
    async (runstate) => {
      await start();
      await (runstate === 'paused' ? source.pause() : source.suspend());
      await migrate().leaving;
      expect(runstates()).toEqual([null, runstate]);
      await (runstate === 'paused' ? destination.resume() : destination.wakeup());
      expect(there.running).toBe(true);
    },
  );

  test('[MI1] whose time stands still continues there from the moment of its pause', async () => {
    await start();
    const clock = () => Number(here.host?.clock());
    await source.pause({ stopsTime: true });
    const pausedMs = clock();
    const now = performance.now.bind(performance);
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000);
    await migrate().leaving;
    await destination.resume();
    expect(Number(there.host?.clock()) - pausedMs).toBeLessThan(50_000);
    later.mockRestore();
  });

  test('[MH8] of another host is refused without room, also if its page lets it in', async () => {
    await start();
    const [channel, ask] = [new MessageChannel(), new MessageChannel()];
    ports.push(ask.port1);
    ask.port1.onmessage = ({ data: { offered } }) => {
      const config = { ...fakeConfig, ...offered.config, id, memoryMiB: 4096 };
      ask.port1.postMessage({ guest: { config, carried: new Map() } });
    };
    const request = { runtimes: [there.source] };
    const arriving = destination.migrateForeign(request, channel.port2, ask.port2);
    arriving.catch(() => {});
    const leaving = source.migrate(channel.port1, {}, 'https://site.test/');
    await expect(leaving).rejects.toMatchObject({ code: 'migration-refused' });
    await expect(arriving).rejects.toThrow('no room here');
    await expectHere();
  });

  test('[MI19] keeps the keys down that a page holds, until that page has left there too', async () => {
    await start();
    const attached = async (keeper: Keeper) => {
      const { port1, port2 } = new MessageChannel();
      ports.push(port1);
      const page = keeper.connection();
      await page.attach(port2, '', 'page');
      return { page, port1 };
    };
    const { page } = await attached(source);
    page.command('scancodes', [Uint8Array.of(0x2a)]);
    await migrate().leaving;
    const followed = await attached(destination);
    expect(there.keys).toEqual([]);
    followed.port1.postMessage(null);
    // Sooner than without the page.
    await vi.waitFor(() => expect(there.keys).toEqual([`keys ${0xaa}`]), { timeout: 5_000 });
  });

  test('[MI2] takes the images with it that no URL has', async () => {
    const bytes = new Uint8Array(3_000_000).fill(5);
    const file = new File([new Uint8Array(700_000).fill(6)], 'disk.img', { lastModified: 9 });
    await start({ cdrom: { bytes }, hda: { file } });
    await migrate().arriving;
    const config = there.host?.config as MachineConfig;
    const { bytes: cd } = config.cdrom as { bytes: Uint8Array };
    expect(Buffer.compare(cd, bytes)).toBe(0);
    const { file: moved } = config.hda as { file: File };
    expect([moved.name, moved.lastModified, moved.size]).toEqual(['disk.img', 9, 700_000]);
    expect(new Uint8Array(await moved.arrayBuffer()).every((byte) => byte === 6)).toBe(true);
  });

  test('[MI3] sends again what it writes meanwhile, and what it deletes', async () => {
    await start();
    here.host?.pieces?.('9p.files').set(4, Uint8Array.of(1));
    let passes = 0;
    around = (operation, step, when) => {
      if (operation !== 'migrate' || step !== 'copy' || when !== 'before' || passes++ > 0) return;
      here.memory('pc.ram').fill(9, 4096, 8192);
      here.note(16);
      here.host?.pieces?.('9p.files').delete(4);
      here.host?.pieces?.('9p.files').set(5, Uint8Array.of(2));
      here.host?.consoleOutput('serial0', Uint8Array.of(65));
    };
    await migrate().leaving;
    const remaining = events.map(({ rounds, remainingBytes }) => rounds > 0 && remainingBytes);
    // The fake marks 16 pages at once.
    expect(remaining).toContain(65_536);
    expect(there.memory('pc.ram').subarray(4096, 8192)).toEqual(new Uint8Array(4096).fill(9));
    const files = there.host?.pieces?.('9p.files');
    expect([files?.get(4), files?.get(5)]).toEqual([undefined, Uint8Array.of(2)]);
  });

  test('[MI4] tells each status, in order', async () => {
    await start();
    await migrate().leaving;
    await untilStatus('completed');
    const seen = statuses().filter((status, i, all) => status !== all[i - 1]);
    expect(seen).toEqual(['setup', 'active', 'device', 'completed']);
    const { downtimeMs, downtimeParts } = events.at(-1) ?? {};
    expect(downtimeMs).toBeGreaterThan(0);
    expect(downtimeParts?.saveMs).toBeGreaterThan(0);
    // The parts are all of it.
    const parts = Object.values(downtimeParts ?? {}).reduce((sum, ms) => sum + ms, 0);
    expect(parts).toBeCloseTo(Number(downtimeMs), 0);
  });

  test('[MI5] input that comes while it stands still is sent to neither half, but refused', async () => {
    await start();
    let typed: unknown;
    around = (operation, step, when) => {
      if (operation === 'migrate' && step === 'ready' && when === 'before')
        typed = source.command('consoleInput', ['serial0', Uint8Array.of(65)]);
    };
    await migrate().leaving;
    await expect(typed).rejects.toMatchObject({ code: 'migrated' });
    expect(here.log).not.toContain('input A');
  });

  test('[MI5] input that comes while it stands still reaches it where the switchover fails', async () => {
    await start();
    let typed: unknown;
    around = (operation, step, when) => {
      if (operation !== 'migrate' || step !== 'ready') return;
      if (when === 'after') throw new Error('spoilt');
      typed = source.command('consoleInput', ['serial0', Uint8Array.of(65)]);
    };
    await expect(migrate().leaving).rejects.toThrow('spoilt');
    await typed;
    expect(here.log).toContain('input A');
  });
});

describe('pause-before-switchover', () => {
  test('[MI6] waits while the guest runs, until migrateContinue', async () => {
    await start();
    const { leaving } = migrate({ pauseBeforeSwitchover: true });
    await untilStatus('pre-switchover');
    expect(here.running).toBe(true);
    expect((await source.answering().migrationInfo()).status).toBe('pre-switchover');
    here.memory('pc.ram')[4096] = 77;
    here.note(16);
    await source.answering().migrateContinue();
    await leaving;
    expect(there.memory('pc.ram')[4096]).toBe(77);
  });

  test('migrateContinue is refused where nothing waits', async () => {
    await start();
    await expect(source.answering().migrateContinue()).rejects.toMatchObject({
      code: 'bad-runstate',
    });
  });
});

describe('a migration is cancelled', () => {
  test('[MI7] while the destination gets ready', async () => {
    await start();
    let open = () => {};
    there.options.prepareGate = new Promise((resolve) => {
      open = resolve;
    });
    const { leaving, arriving } = migrate();
    await untilStatus('setup');
    await source.answering().migrateCancel();
    await expect(leaving).rejects.toMatchObject({ code: 'cancelled' });
    open();
    await expect(arriving).rejects.toMatchObject({ code: 'cancelled' });
    await expectHere();
    expect((await source.answering().migrationInfo()).status).toBe('cancelled');
  });

  test.each(['copy', 'pre-switchover', 'stop', 'device', 'ready'] as const)(
    '[MI7] at "%s"',
    async (at) => {
      await start();
      around = (operation, step, when) => {
        if (operation === 'migrate' && step === at && when === 'before')
          void source.answering().migrateCancel();
      };
      const { leaving, arriving } = migrate({ pauseBeforeSwitchover: true });
      if (at !== 'copy' && at !== 'pre-switchover') {
        await untilStatus('pre-switchover');
        await source.answering().migrateContinue();
      }
      await expect(leaving).rejects.toMatchObject({ code: 'cancelled' });
      await expect(arriving).rejects.toMatchObject({ code: 'cancelled' });
      await expectHere();
    },
  );

  test('[MI7] too late once the destination may run the guest', async () => {
    await start();
    let refusal: Promise<unknown> | undefined;
    around = (operation, step, when) => {
      if (operation !== 'migrate' || step !== 'confirm' || when !== 'before') return;
      refusal = source.answering().migrateCancel();
      refusal.catch(() => {});
    };
    await migrate().leaving;
    await expect(refusal).rejects.toMatchObject({ code: 'bad-runstate' });
    expect(runstates()).toEqual([null, 'running']);
  });
});

describe('an error at a step', () => {
  const moments = ['before', 'after'] as const;
  const throwAt =
    (where: string, killed: CprStep | MigrationStep, moment: 'before' | 'after'): AroundStep =>
    (operation, step, when) => {
      if (operation === where && step === killed && when === moment) throw new Error('spoilt');
    };

  const early = ['setup', 'accept', 'copy', 'stop', 'device', 'ready', 'leave'] as const;
  test.each(early.flatMap((step) => moments.map((moment) => [step, moment] as const)))(
    '[MI8] %s (%s) of the source: the guest runs on there',
    async (step, moment) => {
      await start();
      around = throwAt('migrate', step, moment);
      const { leaving, arriving } = migrate();
      await expect(leaving).rejects.toThrow('spoilt');
      await expect(arriving).rejects.toMatchObject({ code: 'migration-failed' });
      await expectHere();
      around = undefined;
      await migrate().leaving;
      expect(runstates()).toEqual([null, 'running']);
    },
  );

  const ofDestination = [
    ...(['setup', 'accept', 'ready', 'run'] as const).map(
      (step) => ['migrateIncoming', step] as const,
    ),
    ...(['prepare', 'restore', 'load', 'run'] as const).map((step) => ['cprLoad', step] as const),
  ];
  test.each(
    ofDestination.flatMap(([where, step]) =>
      moments.map((moment) => [step, moment, where] as const),
    ),
  )(
    '[MI8] %s (%s, %s) of the destination: the guest runs on at the source',
    async (step, moment, where) => {
      await start();
      around = throwAt(where, step, moment);
      const { leaving, arriving } = migrate();
      await expect(arriving).rejects.toThrow('spoilt');
      await expect(leaving).rejects.toThrow('spoilt');
      await expectHere();
      around = undefined;
      await migrate().leaving;
      expect(runstates()).toEqual([null, 'running']);
    },
  );

  test.each([
    ['run', 'after'],
    ['confirm', 'before'],
    ['confirm', 'after'],
  ] as const)(
    '[MI9] %s (%s) of the source: it waits, and the destination runs',
    async (step, moment) => {
      await start();
      around = throwAt('migrate', step, moment);
      const { leaving, arriving } = migrate();
      await expect(leaving).rejects.toMatchObject({ code: 'migration-unconfirmed' });
      await arriving;
      expect(runstates()).toEqual(['postmigrate', 'running']);
      expect([here.running, there.running]).toEqual([false, true]);
    },
  );

  test('[MI9] a channel that breaks once the destination has the word to run: it runs there', async () => {
    await start();
    let port: MessagePort | undefined;
    around = (operation, step, when) => {
      if (operation === 'migrateIncoming' && step === 'run' && when === 'after') port?.close();
    };
    const { leaving, arriving, port1 } = migrate();
    port = port1;
    await expect(leaving).rejects.toThrow('has not said');
    await arriving;
    expect(runstates()).toEqual(['postmigrate', 'running']);
  });

  test('[MI9] a source that waits resumes when its user resumes it', async () => {
    await start();
    around = throwAt('migrate', 'confirm', 'before');
    const { leaving, arriving } = migrate();
    await expect(leaving).rejects.toThrow('has not said');
    await arriving;
    await destination.destroy();
    await source.resume();
    expect(runstates()).toEqual(['running', null]);
    expect(here.running).toBe(true);
  });
});

/** Web Locks of which none is ever free again for a second request. */
function fakeLocks(): { held: Set<string>; request: unknown } {
  const held = new Set<string>();
  const request = async (name: string, ...[last, hold = last]: (() => Promise<void>)[]) => {
    if (held.has(name)) return new Promise(() => {});
    held.add(name);
    await hold?.();
    held.delete(name);
    return undefined;
  };
  return { held, request };
}

test('[KL3] a keeper at which a guest does not arrive is not found, also with pages', async () => {
  const { held, request } = fakeLocks();
  const name = 'holdfast.1-a';
  destination = keeperWith(there, 'destination', name);
  await start();
  let listed: string[] = [];
  around = (operation, step, when) => {
    if (operation !== 'migrateIncoming' || step !== 'run' || when !== 'after') return;
    listed = [...held];
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    void destination.attach(port2, '');
    throw new Error('spoilt');
  };
  vi.stubGlobal('navigator', { locks: { request, query: async () => ({ held: [] }) } });
  const { leaving, arriving } = migrate();
  await expect(leaving).rejects.toThrow('spoilt');
  await expect(arriving).rejects.toThrow('spoilt');
  const ofKeeper = (names: Iterable<string>) => [...names].filter((lock) => lock.includes(name));
  expect(ofKeeper(listed)).toHaveLength(1);
  await vi.waitFor(() => expect(ofKeeper(held)).toEqual([]));
});

test('[KL3] a lock that the browser does not give ends the move, and the guest runs on at the source', async () => {
  const name = 'holdfast.1-a';
  destination = keeperWith(there, 'destination', name);
  await start();
  // It answers nothing.
  const request = (lock: string, ...rest: unknown[]) =>
    lock.includes(name) ? new Promise(() => {}) : (rest.at(-1) as () => unknown)();
  vi.stubGlobal('navigator', { locks: { request, query: async () => ({ held: [] }) } });
  const { leaving, arriving } = migrate();
  await expect(arriving).rejects.toThrow('could not find this keeper');
  await expect(leaving).rejects.toMatchObject({ code: 'migration-failed' });
  expect([here.running, there.running]).toEqual([true, false]);
});

describe('the machine in storage', () => {
  test('[MI17] a guest that is not the stored one leaves that alone at the destination too', async () => {
    await start({ durable: true });
    await source.checkpoint();
    await source.destroy();
    await start({ durable: true });
    const occupied = { code: 'storage-occupied' };
    await expect(source.checkpoint()).rejects.toMatchObject(occupied);
    await migrate().leaving;
    await expect(destination.answering().checkpoint()).rejects.toMatchObject(occupied);
  });

  test('[MI17] a guest that is the stored one is stored again at the destination', async () => {
    await start({ durable: true });
    await source.checkpoint();
    await migrate().leaving;
    await destination.answering().checkpoint();
  });
});

describe('a configuration that changes meanwhile', () => {
  test('[MI18] the destination has another one, so the guest runs on at the source', async () => {
    await start();
    const { leaving, arriving } = migrate({ pauseBeforeSwitchover: true });
    await untilStatus('pre-switchover');
    await source.setDurable(true);
    await source.answering().migrateContinue();
    await expect(leaving).rejects.toThrow('changed while it was sent');
    await expect(arriving).rejects.toMatchObject({ code: 'migration-failed' });
    await expectHere();
    await migrate().leaving;
    expect(runstates()).toEqual([null, 'running']);
  });
});

describe('the run state while the guest is between two keepers', () => {
  test('[MI9] a call to resume it waits, so that it does not run at both', async () => {
    await start();
    let resumed: Promise<void> | undefined;
    let ran: boolean | undefined;
    around = (operation, step, when) => {
      if (operation !== 'migrate' || step !== 'confirm') return;
      if (when === 'after') ran = runstates()[0] === 'running';
      else resumed = source.resume();
      resumed?.catch(() => {});
    };
    await migrate().leaving;
    expect(ran).toBe(false);
    await expect(resumed).rejects.toMatchObject({ code: 'migrated' });
    expect(here.running).toBe(false);
  });

  test('[MI9] a suspended guest that the network wakes meanwhile does not run at the source', async () => {
    await start();
    await source.suspend();
    let ran: boolean | undefined;
    around = (operation, step, when) => {
      if (operation !== 'migrate' || step !== 'ready') return;
      if (when === 'before') here.host?.wakeup?.('network');
      else ran = here.running;
    };
    await migrate().leaving;
    expect(ran).toBe(false);
  });

  test('[MI8] a suspended guest that the network wakes meanwhile runs where the switchover fails', async () => {
    await start();
    await source.suspend();
    around = (operation, step, when) => {
      if (operation !== 'migrate' || step !== 'ready') return;
      if (when === 'after') throw new Error('spoilt');
      here.host?.wakeup?.('network');
    };
    await expect(migrate().leaving).rejects.toThrow('spoilt');
    await expectHere();
  });

  test('[MI1] a call to pause it is refused if it came too late for the destination', async () => {
    await start();
    let paused: Promise<void> | undefined;
    around = (operation, step, when) => {
      if (operation !== 'migrate' || step !== 'ready' || when !== 'before') return;
      paused = source.pause();
      paused.catch(() => {});
    };
    await migrate().leaving;
    await expect(paused).rejects.toMatchObject({ code: 'migrated' });
    expect(runstates()).toEqual([null, 'running']);
  });
});

describe('the lock of a machine that returns to its source', () => {
  const takenOver = new HoldfastError('taken-over', 'It runs in another tab.');

  /** The destination fails once it has the word to run, and another tab has the machine's lock. */
  async function comesBack(isFree: () => boolean): Promise<unknown> {
    await start();
    around = (operation, step, when) => {
      if (operation === 'migrateIncoming' && step === 'run' && when === 'after')
        throw new Error('spoilt');
    };
    const { port1, port2 } = new MessageChannel();
    const arriving = destination.migrateIncoming({ runtimes: [there.source] }, port2);
    arriving.catch(() => {});
    const hold = async () => {
      if (!isFree()) throw takenOver;
    };
    const to = { channel: new PortChannel(port1), lock: { release: () => {}, hold } };
    return source
      .answering()
      .migrate(to, { downtimeLimitMs: 30_000 })
      .catch((thrown) => thrown);
  }

  test('[MI9] a source whose lock another keeper has taken does not run the guest', async () => {
    expect(await comesBack(() => false)).toMatchObject({ code: 'migration-unconfirmed' });
    expect(runstates()).toEqual(['postmigrate', null]);
    expect(here.running).toBe(false);
  });

  test('[MI9] a destination that has the lock, and is late to say that the guest runs, has the guest', async () => {
    const { request } = fakeLocks();
    const query = async () => ({ held: [{ name: 'here' }] });
    vi.stubGlobal('navigator', { locks: { request, query } });
    await start();
    around = (operation, step, when) => {
      if (operation === 'migrate' && step === 'confirm' && when === 'before')
        throw new Error('It takes too long.');
    };
    const { port1, port2 } = new MessageChannel();
    const arriving = destination.migrateIncoming({ runtimes: [there.source] }, port2);
    const lock = { release: () => {}, hold: () => Promise.reject(takenOver) };
    const to = { channel: new PortChannel(port1), keeperLock: 'here', lock };
    const report = await source.answering().migrate(to, { downtimeLimitMs: 30_000 });
    expect(report.status).toBe('completed');
    await arriving;
    expect([here.running, there.running]).toEqual([false, true]);
  });

  test('[MI9] a source that waits takes the lock again before it resumes', async () => {
    let isFree = false;
    await comesBack(() => isFree);
    await expect(source.resume()).rejects.toBe(takenOver);
    expect(here.running).toBe(false);
    isFree = true;
    await source.resume();
    expect(here.running).toBe(true);
  });
});

describe('a durable guest that moves to another browser', () => {
  const elsewhere = () => {
    const { source: url, module } = there;
    destination = new Keeper(
      { instanceId: 'elsewhere', survivesPages: false, startedAtMs: 0 },
      {
        loader: new RuntimeLoader(async (asked) => (asked === url.url ? module : undefined)),
        openStore: async () => other.store,
        around: (...step) => around?.(...step),
      },
    );
  };
  let other: FakeStore;
  beforeEach(() => {
    other = new FakeStore();
    elsewhere();
  });

  test('[MI16] is not resumed here by itself, but when it is taken over', async () => {
    await start({ durable: true });
    await source.checkpoint();
    await migrate().leaving;
    const again = () => source.resumeStored({ id, runtime: here.source });
    await expect(again()).rejects.toMatchObject({ code: 'migrated' });
    await source.resumeStored({ id, runtime: here.source, takeOver: true });
    expect(here.running).toBe(true);
  });

  test('[MI16] is marked also by a later keeper of this browser that has not saved it yet', async () => {
    await start({ durable: true });
    await source.checkpoint();
    const later = new FakeRuntime('later', { tracksWrites: true });
    const between = keeperWith(later, 'between');
    const { request } = fakeLocks();
    const query = async () => ({ held: [{ name: 'here' }] });
    vi.stubGlobal('navigator', { locks: { request, query } });
    const first = new MessageChannel();
    const arriving = between.migrateIncoming({ runtimes: [later.source] }, first.port2);
    const lock = { release: () => {}, hold: async () => {} };
    const to = { channel: new PortChannel(first.port1), keeperLock: 'here', lock };
    await source.answering().migrate(to, { downtimeLimitMs: 30_000 });
    await arriving;
    await source.destroy();
    vi.stubGlobal('navigator', {});
    const second = new MessageChannel();
    const away = destination.migrateIncoming({ runtimes: [there.source] }, second.port2);
    await between.migrate(second.port1, { downtimeLimitMs: 30_000 });
    await away;
    const again = source.resumeStored({ id, runtime: here.source });
    await expect(again).rejects.toMatchObject({ code: 'migrated' });
  });

  test('[MI12] runs on here if its mark takes longer than the limit', async () => {
    await start({ durable: true });
    await source.checkpoint();
    let marks = () => {};
    around = (operation, step, when) => {
      const store = fakeStore.stored.get(id)?.store;
      if (operation !== 'migrate' || step !== 'leave' || when !== 'before' || !store) return;
      store.publishGate = new Promise((resolve) => {
        marks = resolve;
      });
      setTimeout(() => marks(), 700);
    };
    const { leaving } = migrate({ downtimeLimitMs: 500 });
    await expect(leaving).rejects.toThrow('downtime limit');
    await expectHere();
  });

  test('[MI4] is saved on while the other host takes nothing of what it was sent', async () => {
    await start({ durable: true });
    here.memory('pc.ram').fill(7, 5000, 9000);
    const { port1, port2 } = new MessageChannel();
    const leaving = source.migrate(port1, { downtimeLimitMs: 30_000 });
    leaving.catch(() => {});
    const link = new MigrationLink(new PortChannel(port2), h64);
    link.post('accepted', encodeAccepted({ sharesBrowser: false }));
    link.post('prepared');
    await vi.waitFor(() => expect(events.at(-1)?.rounds).toBeGreaterThan(1), slowTimeout);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const later = new Promise((resolve) => setTimeout(resolve, 5_000, 'later'));
    expect(statuses()).not.toContain('device');
    expect(await Promise.race([source.checkpoint(), later])).not.toBe('later');
    link.cancel(new HoldfastError('cancelled', 'The test ends.'));
    await expect(leaving).rejects.toMatchObject({ code: 'cancelled' });
    await expectHere();
  });

  test('[MI16] is resumed here by itself once a move has failed and it was saved', async () => {
    await start({ durable: true });
    await source.checkpoint();
    around = (operation, step, when) => {
      if (operation === 'migrate' && step === 'leave' && when === 'after')
        throw new Error('spoilt');
    };
    await expect(migrate().leaving).rejects.toThrow('spoilt');
    await expectHere();
    await source.checkpoint();
    await source.destroy();
    await source.resumeStored({ id, runtime: here.source });
    expect(here.running).toBe(true);
  });
});

describe('a channel that breaks', () => {
  test.each(['accept', 'copy', 'stop', 'device'] as const)(
    '[MI10] at "%s": the guest runs on at the source',
    async (at) => {
      await start();
      let port: MessagePort | undefined;
      around = (operation, step, when) => {
        if (operation === 'migrate' && step === at && when === 'before') port?.close();
      };
      const { leaving, arriving, port1 } = migrate();
      port = port1;
      await expect(leaving).rejects.toMatchObject({ code: 'migration-failed' });
      await expect(arriving).rejects.toMatchObject({ code: 'migration-failed' });
      await expectHere();
    },
  );

  test('[MI9] when the destination is ready: the source waits, since the word to run may have arrived', async () => {
    await start();
    let port: MessagePort | undefined;
    around = (operation, step, when) => {
      if (operation === 'migrate' && step === 'ready' && when === 'after') port?.close();
    };
    const { leaving, arriving, port1 } = migrate();
    port = port1;
    await expect(leaving).rejects.toThrow('has not said');
    await expect(arriving).rejects.toMatchObject({ code: 'migration-failed' });
    expect(runstates()).toEqual(['postmigrate', null]);
    await source.resume();
    await expectHere();
  });

  test('[MI10] a destination that is destroyed meanwhile tells the source', async () => {
    await start();
    const { leaving, arriving } = migrate({ pauseBeforeSwitchover: true });
    await untilStatus('pre-switchover');
    await destination.destroy();
    await expect(leaving).rejects.toMatchObject({ code: 'no-machine' });
    await expect(arriving).rejects.toMatchObject({ code: 'no-machine' });
    await expectHere();
  });

  test('[MI10] a source that is destroyed meanwhile leaves nothing at the destination', async () => {
    await start();
    const { leaving, arriving } = migrate({ pauseBeforeSwitchover: true });
    await untilStatus('pre-switchover');
    await source.destroy();
    await expect(leaving).rejects.toMatchObject({ code: 'no-machine' });
    await expect(arriving).rejects.toMatchObject({ code: 'no-machine' });
    expect(runstates()).toEqual([null, null]);
    expect(there.running).toBe(false);
  });
});

describe('a migration is refused', () => {
  const refusal = async ({ leaving }: { leaving: Promise<unknown> }) =>
    leaving.then(
      () => 'it moved',
      (thrown: HoldfastError) => thrown.code,
    );

  test('[MI11] without a runtime at the destination', async () => {
    await start();
    const { port1, port2 } = new MessageChannel();
    destination.migrateIncoming({ runtimes: [] }, port2).catch(() => {});
    expect(await refusal({ leaving: source.migrate(port1) })).toBe('migration-refused');
    await expectHere();
  });

  test('[MI11] by a destination that has a machine, unless it may be replaced', async () => {
    await start();
    const other = { ...fakeConfig, id: 'other' };
    await destination.start({ config: other, runtime: there.source });
    const { leaving, arriving } = migrate();
    await expect(arriving).rejects.toMatchObject({ code: 'bad-runstate' });
    await expect(leaving).rejects.toMatchObject({ code: 'bad-runstate' });
    expect(runstates()).toEqual(['running', 'running']);
    const { port1, port2 } = new MessageChannel();
    const replacing = destination.migrateIncoming(
      { runtimes: [there.source], replace: true },
      port2,
    );
    await source.migrate(port1);
    expect(await replacing).toMatchObject({ machineId: id });
  });

  test('[MI11] for a disk that is another by now', async () => {
    await start();
    here.options.blockers = () => [
      { code: 'disk-changed', device: 'hda', message: 'hda is another file.' },
    ];
    expect(await refusal(migrate())).toBe('blocked');
    await expectHere();
  });

  test('[MI11] while another one is under way', async () => {
    await start();
    const first = migrate({ pauseBeforeSwitchover: true });
    await untilStatus('pre-switchover');
    const { port1 } = new MessageChannel();
    expect(await refusal({ leaving: source.migrate(port1) })).toBe('busy');
    await source.answering().migrateContinue();
    await first.leaving;
  });

  test('[MI12] when the downtime would exceed its limit', async () => {
    await start();
    around = (operation, step, when) => {
      if (operation !== 'migrate' || step !== 'device' || when !== 'before') return;
      const beganMs = performance.now();
      while (performance.now() - beganMs < 30);
    };
    expect(await refusal(migrate({ downtimeLimitMs: 20 }))).toBe('migration-failed');
    await expectHere();
  });

  test.each([
    { downtimeLimitMs: 0 },
    { downtimeLimitMs: 1.5 },
    { maxBandwidth: -1 },
    { autoConverge: 1 },
    { nothing: 1 },
    { toString: 1 },
  ] as MigrateOptions[])('with the parameters %j', async (given) => {
    await start();
    expect(await refusal(migrate(given))).toBe('bad-config');
    await expect(source.answering().migrateSetParameters(given)).rejects.toMatchObject({
      code: 'bad-config',
    });
    await source.destroy();
  });

  test.each([
    ['of another version', (setup: DataView) => setup.setUint32(4, 2, true), 'migration-refused'],
    ['without its magic', (setup: DataView) => setup.setUint32(0, 1, true), 'migration-refused'],
    ['with a damaged envelope', (setup: DataView) => setup.setUint8(40, 1), 'bad-vmstate'],
  ])('[MS1] from a source %s', async (_, change, code) => {
    await start();
    const { execution, backing } = {
      execution: { source: here.source },
      backing: { config: fakeConfig },
    };
    const ranges = [{ block: 'pc.ram', offsetBytes: 0, pages: 16 }];
    const parts = { id, execution, backing } as unknown as GuestParts;
    const { h64Raw: digest } = await xxh64();
    const setup = encodeSetup(parts, ranges, { downtimeLimitMs: 1 }, digest);
    change(new DataView(setup.buffer));
    expect(await answerTo([['setup', setup]])).toBe(code);
  });

  test.each([
    ['a page that it does not have', pagesOf({ page: 99 })],
    ['more pages than there is room for', pagesOf({ counts: [0xffffffff, 0, 0, 0, 0] })],
    ['more uniform pages than there is room for', pagesOf({ counts: [0, 0, 0x20000000, 0, 0] })],
    ['more blobs than there is room for', pagesOf({ counts: [0, 0, 0, 0xffffffff, 8] })],
    ['a stream that it cannot have', blobOf('pieces.disk.hdb', 0, 4)],
    ['a file that is larger than its share', blobOf('pieces.9p.files', 0, 2 ** 40)],
    ['a piece at no offset', blobOf('pieces.9p.files', Number.NaN, 4)],
    ['a piece without its beginning', blobOf('pieces.9p.files', 9, 14)],
    ['half a head of a piece', ['blob', new Uint8Array(7)] as const],
    ['a device state of nothing', ['device', new Uint8Array(3)] as const],
    ['a device state of noise', ['device', new Uint8Array(300).fill(7)] as const],
  ])('[MS9] from a source that sends %s, and allocates nothing for it', async (_, hostile) => {
    await start();
    const { h64Raw: digest } = await xxh64();
    const parts = {
      id,
      execution: { source: here.source },
      backing: { config: { ...fakeConfig, filesystem9p: true } },
    } as unknown as GuestParts;
    const ranges = [{ block: 'pc.ram', offsetBytes: 0, pages: 16 }];
    const setup = encodeSetup(parts, ranges, { downtimeLimitMs: 1 }, digest);
    expect(await answerTo([['setup', setup], hostile])).toMatch(
      /^(migration-failed|bad-state-file|bad-vmstate|storage-damaged|out-of-memory)$/,
    );
    expect(destination.info().machine).toBeNull();
    await expectHere();
  });
});

/** A record of pages with these counts, or one page of this number. Its digest fits. */
function pagesOf({ counts = [1, 0, 0, 0, 0], page = 0 }): readonly ['pages', Uint8Array] {
  const bytes = new Uint8Array(32 + 4 + 4096);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x31524648, true);
  for (const [i, count] of counts.entries()) view.setUint32(4 + 4 * i, count, true);
  view.setUint32(32, page, true);
  const seed = h64(bytes.subarray(0, 24));
  view.setBigUint64(24, h64(bytes.subarray(32), seed), true);
  return ['pages', bytes];
}

function blobOf(stream: string, offset: number, total: number): readonly ['blob', Uint8Array] {
  const name = new TextEncoder().encode(stream);
  const bytes = new Uint8Array(24 + name.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, name.length, true);
  view.setFloat64(8, total, true);
  view.setFloat64(16, offset, true);
  bytes.set(name, 24);
  return ['blob', bytes];
}

/** Sends these messages to the destination. @returns the code of the error that it gives up with */
async function answerTo(
  messages: readonly (readonly [MessageKind, Uint8Array])[],
): Promise<string> {
  const { port1, port2 } = new MessageChannel();
  const arriving = destination.migrateIncoming({ runtimes: [there.source] }, port2);
  arriving.catch(() => {});
  const link = new MigrationLink(new PortChannel(port1), h64);
  for (const [kind, body] of messages) link.post(kind, body);
  const code = await arriving.then(
    () => 'it moved',
    (thrown: HoldfastError) => thrown.code,
  );
  link.close();
  return code;
}
