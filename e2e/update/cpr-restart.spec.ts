/** cprSave in mode restart: the guest's RAM stays where it is, and another runtime waits for it. */
import {
  call,
  enterRunstate,
  expectSavedRunstate,
  load,
  runstateOf,
  save,
  savedRunstates,
} from '../support/cpr.ts';
import { expect, patternGuest, test, waitForPasses } from '../support/test.ts';

test.describe('mode restart', () => {
  test.use(patternGuest);

  test('a guest that is held continues where it was when it is released', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    for (const savedRunstate of savedRunstates) {
      await enterRunstate[savedRunstate](guest);
      const { runtimeId } = await guest.status();
      await save(guest, { mode: 'restart', runtime: runtimes.older });
      await call(guest, 'cprCancel');
      expect((await guest.status()).runtimeId).toBe(runtimeId);
      await expectSavedRunstate(guest, inPage, savedRunstate);
    }
  });

  test('a runtime that fails to load leaves the guest held, for another one to load', async ({
    guest,
    inPage,
    runtimes,
    site,
  }) => {
    const url = await site.put(
      'bad/runtime.js',
      `import * as real from ${JSON.stringify(runtimes.older.url)};
      export const { abiVersion, v86Version } = real;
      export async function prepare(host, request) {
        const prepared = await real.prepare(host, request);
        return { ...prepared, load(vmstate) { prepared.load(vmstate); throw new Error('spoilt'); } };
      }`,
    );
    const bad = { ...runtimes.older, id: 'bad', url };
    const saved = await save(guest, { mode: 'restart', runtime: bad });
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(load(guest, saved)).rejects.toMatchObject({
        code: 'runtime-failed',
        phase: 'load',
      });
      expect(await runstateOf(guest)).toBe('inmigrate');
    }
    await load(guest, saved, { runtime: runtimes.older });
    await expectSavedRunstate(guest, inPage, 'running');
  });

  test('device state of another moment is refused: its RAM is gone', async ({ guest, inPage }) => {
    const stale = await save(guest, { mode: 'restart' });
    await call(guest, 'cprCancel');
    await waitForPasses(guest, 1);
    const fresh = await save(guest, { mode: 'restart' });
    await expect(load(guest, stale)).rejects.toMatchObject({ code: 'wrong-machine' });
    await load(guest, fresh);
    await expectSavedRunstate(guest, inPage, 'running');
  });

  test('device state without its RAM is refused where there is no machine', async ({ guest }) => {
    const saved = await save(guest, { mode: 'restart' });
    await call(guest, 'destroy');
    await expect(load(guest, saved)).rejects.toMatchObject({ code: 'wrong-machine' });
  });
});
