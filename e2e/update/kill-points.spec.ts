/** Throws an exception at every step of cprSave and cprLoad: the guest always keeps running. */
import { resolve } from 'node:path';
import { bundleModule } from '../support/bundle.ts';
import type { KillPoint } from '../support/kill-keeper.ts';
import {
  expect,
  type Guest,
  inspectPattern,
  openStandingGuest,
  type StandingGuest,
  test,
  waitForPasses,
} from '../support/test.ts';

const steps = {
  restart: {
    cprSave: ['blockers', 'prepare', 'quiesce', 'stop', 'save', 'write', 'hold'],
    cprLoad: ['read', 'decode', 'prepare', 'swap', 'load', 'run'],
  },
  reboot: {
    cprSave: ['blockers', 'prepare', 'quiesce', 'stop', 'save', 'checkpoint', 'write', 'end'],
    cprLoad: ['read', 'decode', 'find', 'prepare', 'restore', 'load', 'run'],
  },
} as const;

let standing: StandingGuest;

test.beforeAll(async ({ browser, siteRoot, inPageBundle }) => {
  const keeper = await bundleModule(resolve('e2e/support/kill-keeper.ts'));
  standing = await openStandingGuest({ browser, siteRoot, inPageBundle, keeper });
});

test.afterAll(() => standing?.close());

/** Resolves when the keeper has confirmed it. */
const arm = (guest: Guest, point: KillPoint | null) =>
  guest.page.evaluate(
    (wanted) =>
      new Promise<void>((done) => {
        const channel = new BroadcastChannel('holdfast-kill');
        channel.onmessage = () => {
          channel.close();
          done();
        };
        channel.postMessage({ arm: wanted });
      }),
    point,
  );

async function expectUnharmed(guest: Guest, inPage: string, wasRunning: boolean): Promise<void> {
  expect((await guest.status()).runstate).toBe(wasRunning ? 'running' : 'suspended');
  if (wasRunning) await guest.machine((machine) => machine.pause());
  expect(await inspectPattern(guest, inPage)).toMatchObject({ ok: true });
  if (wasRunning) await guest.machine((machine) => machine.resume());
  else await guest.machine((machine) => machine.wakeup());
  await waitForPasses(guest, 1);
}

for (const mode of ['restart', 'reboot'] as const) {
  for (const step of steps[mode].cprSave) {
    test(`mode ${mode}: a cprSave that dies at "${step}" harms nothing`, async () => {
      const { guest, inPage } = standing;
      for (const when of ['before', 'after'] as const) {
        // Once while it runs, and once suspended.
        const wasRunning = when === 'before';
        if (!wasRunning) await guest.machine((machine) => machine.suspend());
        await arm(guest, { operation: 'cprSave', step, when });
        const saving = guest.machine(
          (machine, asked) => machine.cprSave({ kind: 'bytes' }, { mode: asked }),
          mode,
        );
        await expect(saving).rejects.toThrow(`killed ${when} ${step}`);
        await arm(guest, null);
        await expectUnharmed(guest, inPage, wasRunning);
      }
    });
  }

  for (const step of steps[mode].cprLoad) {
    test(`mode ${mode}: a cprLoad that dies at "${step}" harms nothing`, async () => {
      const { guest, inPage, runtimes } = standing;
      for (const when of ['before', 'after'] as const) {
        const wasRunning = when === 'before';
        if (!wasRunning) await guest.machine((machine) => machine.suspend());
        const { config, runtimeId } = await guest.status();
        const runtime = runtimeId === runtimes.older.id ? runtimes.newer : runtimes.older;
        const target = { kind: 'store', name: 'killed' } as const;
        await guest.machine(
          (machine, [asked, to, store]) => machine.cprSave(store, { mode: asked, runtime: to }),
          [mode, runtime, target] as const,
        );
        if (mode === 'reboot') {
          await guest.machine(
            (machine, [asked, to]) => machine.start(asked, to, { incoming: true }),
            [config, runtime] as const,
          );
        }
        await arm(guest, { operation: 'cprLoad', step, when });
        const load = () => guest.machine((machine, store) => machine.cprLoad(store), target);
        await expect(load()).rejects.toThrow(`killed ${when} ${step}`);
        expect((await guest.status()).runstate).toBe('inmigrate');
        await arm(guest, null);
        if (mode === 'restart' && wasRunning) {
          // On the old runtime as well as on the new one.
          await guest.machine((machine) => machine.cprCancel());
        } else {
          await load();
          expect((await guest.status()).runtimeId).toBe(runtime.id);
        }
        await expectUnharmed(guest, inPage, wasRunning);
      }
    });
  }
}
