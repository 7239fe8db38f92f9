/** Moves one guest through every way of saving and loading it, in random order. */
import { expect, inspectPattern, patternGuest, test, waitForPasses } from '../support/test.ts';

const cycles = 200;
/** Set HOLDFAST_SEED to repeat a run. */
const seed = Number(process.env.HOLDFAST_SEED ?? Date.now() % 1_000_000);

const kinds = [
  'live update',
  'cprSave restart, cprLoad',
  'cprSave reboot, cprLoad',
  'live update while paused',
  'live update while suspended',
  'cprSave restart, cprLoad while paused',
  'cprSave reboot, cprLoad while suspended',
] as const;

test.use({ ...patternGuest, guestQuery: '?guest=pattern-text&m=16' });

test(
  `a guest has every page right after each of ${cycles} random cycles`,
  { tag: '@slow' },
  async ({ guest, inPage, runtimes }, testInfo) => {
    test.setTimeout(600_000);
    testInfo.annotations.push({ type: 'seed', description: String(seed) });
    console.log(`seed ${seed}`);
    const random = randomNumbers(seed);
    let lastPass = 0;
    for (let cycle = 0; cycle < cycles; cycle++) {
      const kind = kinds[random(kinds.length)] ?? kinds[0];
      const runtime = random(2) === 0 ? runtimes.older : runtimes.newer;
      const where = `seed ${seed}, cycle ${cycle}: ${kind} to ${runtime.v86Version}`;
      const still = /while (paused|suspended)/.exec(kind)?.[1];
      if (still === 'paused') await guest.machine((machine) => machine.pause());
      if (still === 'suspended') await guest.machine((machine) => machine.suspend());
      const before = still && (await inspectPattern(guest, inPage));

      await guest.machine(
        async (machine, [what, to]) => {
          const mode = /cprSave (restart|reboot)/.exec(what)?.[1] as
            | 'restart'
            | 'reboot'
            | undefined;
          if (mode === undefined) return void (await machine.restart({ runtime: to }));
          const target = { kind: 'bytes' } as const;
          const { bytes = new Uint8Array() } = await machine.cprSave(target, { mode, runtime: to });
          await machine.cprLoad({ kind: 'bytes', bytes }, { runtime: to });
        },
        [kind, runtime] as const,
      );

      const { runstate, runtimeId } = await guest.status();
      expect([runstate, runtimeId], where).toEqual([still ?? 'running', runtime.id]);
      if (!still) await guest.machine((machine) => machine.pause());
      const after = await inspectPattern(guest, inPage);
      expect(after, where).toMatchObject({ ok: true });
      if (before) expect(after, where).toEqual(before);
      if (after.ok) {
        expect(after.pass, where).toBeGreaterThanOrEqual(lastPass);
        lastPass = after.pass;
      }
      await guest.machine(
        (machine, was) => (was ? machine.wakeup() : machine.resume()),
        still === 'suspended',
      );
    }
    await waitForPasses(guest);
    expect(lastPass).toBeGreaterThan(cycles / 10);
  },
);

/** mulberry32. */
function randomNumbers(from: number): (below: number) => number {
  let state = from;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
