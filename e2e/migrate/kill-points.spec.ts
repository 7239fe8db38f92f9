/** Ends the worker of the source or of the destination at each step of a migration: one life stays. */
import { resolve } from 'node:path';
import type { RuntimeSource } from '../../src/index.ts';
import { bundleModule } from '../support/bundle.ts';
import { test as base, expect, Guest, patternGuest } from '../support/test.ts';

type Moves = typeof import('../support/moves.ts');
type KillPoint = Parameters<Moves['moveAndKill']>[2];

/** A pattern guest in a dedicated worker, which a test can end. */
const test = base.extend<{ killable: { guest: Guest; moves: string; builds: RuntimeSource[] } }>({
  killable: async ({ page, site, runtimes }, use) => {
    await site.put('keeper.js', await bundleModule(resolve('e2e/support/kill-keeper.ts')));
    const moves = await bundleModule(resolve('e2e/support/moves.ts'));
    const guest = await Guest.in(page, { site });
    await guest.open(`${site.url}${patternGuest.guestQuery}&host=dedicated`);
    await guest.waitForSerial(patternGuest.guestReady);
    const builds = [runtimes.newer, runtimes.older];
    await use({ guest, moves: await site.put('e2e/moves.js', moves), builds });
  },
});

type Killable = { guest: Guest; moves: string; builds: RuntimeSource[] };

const moveAndKill = ({ guest, moves, builds }: Killable, point: KillPoint) =>
  guest.machine(
    async (machine, [url, builds, point]) => {
      const { moveAndKill } = (await import(url)) as Moves;
      return moveAndKill(machine, builds, point);
    },
    [moves, builds, point] as const,
  );

/** The guest runs, and every dword of it is right. */
const inspect = ({ guest, moves }: Killable) =>
  guest.machine(async (machine, url) => {
    const { inspectPattern, passes, present } = (await import(url)) as Moves;
    await passes(machine, 1);
    await present(machine).pause();
    return inspectPattern(present(machine));
  }, moves);

const moments = ['before', 'after'] as const;

const ofDestination: [KillPoint['operation'], string][] = [
  ['migrateIncoming', 'accept'],
  ['migrateIncoming', 'ready'],
  ['migrateIncoming', 'run'],
  ['cprLoad', 'load'],
  ['cprLoad', 'run'],
];
for (const [operation, step] of ofDestination)
  for (const when of moments)
    test(`[MI9] a destination that ends ${when} "${step}" of ${operation}: the guest runs on at the source`, {
      tag: '@slow',
    }, async ({ killable }) => {
      expect(await moveAndKill(killable, { operation, step, when })).toMatchObject({
        code: 'migration-failed',
        here: 'running',
      });
      expect(await inspect(killable)).toMatchObject({ ok: true });
    });

for (const [step, when] of [
  ['copy', 'before'],
  ['stop', 'after'],
  ['ready', 'after'],
  ['leave', 'after'],
  ['run', 'before'],
] as const)
  test(`[MI9] a source that ends ${when} "${step}": the destination has nothing, and storage has the guest`, {
    tag: '@slow',
  }, async ({ killable }) => {
    await killable.guest.machine((machine) => machine.checkpoint());
    const { code, there } = await moveAndKill(killable, { operation: 'migrate', step, when });
    expect(code).toBe('migration-failed');
    expect(there).not.toBe('running');
    await killable.guest.machine(
      async (machine, [url, builds]) => {
        const { present } = (await import(url)) as Moves;
        await present(machine).resumeStored('default', { runtime: builds[0] as RuntimeSource });
      },
      [killable.moves, killable.builds] as const,
    );
    expect(await inspect(killable)).toMatchObject({ ok: true });
  });

for (const [step, when] of [
  ['run', 'after'],
  ['confirm', 'before'],
] as const)
  test(`[MI9] a source that ends ${when} "${step}": the guest runs at the destination`, {
    tag: '@slow',
  }, async ({ killable }) => {
    const { code, there } = await moveAndKill(killable, { operation: 'migrate', step, when });
    expect({ code, there }).toEqual({ code: 'none', there: 'running' });
    expect(await inspect(killable)).toMatchObject({ ok: true });
  });
