import type { RuntimeSource } from '../../src/index.ts';
import { playground } from '../support/playground-page.ts';
import {
  expect,
  type Guest,
  inspectPattern,
  openStandingGuest,
  patternGuest,
  type Site,
  type StandingGuest,
  test,
  waitForPasses,
} from '../support/test.ts';

/** The error of a failed update. */
type Failure = { code: string; phase: string };

/** One guest must survive all failures. */
let standing: StandingGuest;

test.beforeAll(async ({ browser, siteRoot, inPageBundle }) => {
  standing = await openStandingGuest({ browser, siteRoot, inPageBundle });
});

test.afterAll(() => standing?.close());

/**
 * The guest keeps running on its previous runtime, with all of its memory; and a good update works.
 */
async function expectFailureWithoutHarm(bad: RuntimeSource, failure: Failure): Promise<void> {
  const { guest, inPage, runtimes } = standing;
  const before = await guest.status();
  await expect(guest.liveUpdate(bad)).rejects.toMatchObject(failure);
  await expectUnharmed(guest, inPage);
  const { runtimeId, restarts, bootedAtMs } = before;
  const after = await guest.status();
  expect(after).toMatchObject({ runstate: 'running', runtimeId, restarts, bootedAtMs });
  expect(after.crash).toBeUndefined();
  // A failure in the phase `run` cannot occur with a guest that stays paused.
  if (failure.phase !== 'run') await expectFailureWhilePaused(guest, inPage, bad, failure);

  const other = runtimeId === runtimes.older.id ? runtimes.newer : runtimes.older;
  await guest.liveUpdate(other);
  await expectUnharmed(guest, inPage);
  expect(await guest.status()).toMatchObject({ runtimeId: other.id, restarts: restarts + 1 });
}

async function expectFailureWhilePaused(
  guest: Guest,
  inPage: string,
  bad: RuntimeSource,
  failure: Failure,
): Promise<void> {
  await guest.machine((machine) => machine.pause());
  const paused = await inspectPattern(guest, inPage);
  await expect(guest.liveUpdate(bad)).rejects.toMatchObject(failure);
  expect(await inspectPattern(guest, inPage)).toEqual(paused);
  await guest.machine((machine) => machine.resume());
}

async function expectUnharmed(guest: Guest, inPage: string): Promise<void> {
  await waitForPasses(guest);
  await guest.machine((machine) => machine.pause());
  expect(await inspectPattern(guest, inPage)).toMatchObject({ ok: true });
  await guest.machine((machine) => machine.resume());
}

const pathOf = (url: string) => new URL(url).pathname.slice(1);

/** Returns the older runtime with another body of `prepare`. */
async function spoiltRuntime(
  site: Site,
  older: RuntimeSource,
  what: string,
  prepare: string,
): Promise<RuntimeSource> {
  const url = await site.put(
    // The keeper imports each address once.
    `${what.replaceAll(' ', '-')}/runtime.js`,
    `import * as real from ${JSON.stringify(older.url)};
    export const { abiVersion, v86Version } = real;
    export async function prepare(host, request) { ${prepare} }`,
  );
  return { ...older, id: `spoilt, ${what}`, url };
}

test.describe('the guest continues after an update to', () => {
  test('a missing runtime, which works once it is there', async () => {
    const { guest, runtimes, site } = standing;
    const missing = { ...runtimes.older, id: 'missing', url: site.urlOf('missing/runtime.js') };
    const failure = { code: 'runtime-unavailable', phase: 'fetch' };
    await expectFailureWithoutHarm(missing, failure);
    await site.put('missing/runtime.js', await site.read(pathOf(runtimes.older.url)));
    await guest.liveUpdate(missing);
    expect((await guest.status()).runtimeId).toBe('missing');
  });

  test('a script with a syntax error', async () => {
    const { runtimes, site } = standing;
    const url = await site.put('broken/runtime.js', 'export const abiVersion = 1; export const =');
    await expectFailureWithoutHarm(
      { ...runtimes.older, id: 'broken', url },
      { code: 'runtime-unavailable', phase: 'fetch' },
    );
  });

  test('a script that is no runtime', async () => {
    const { runtimes, site } = standing;
    const url = await site.put('other/runtime.js', 'export const answer = 42;');
    await expectFailureWithoutHarm(
      { ...runtimes.older, id: 'other', url },
      { code: 'runtime-incompatible', phase: 'prepare' },
    );
  });

  test('a runtime of another ABI', async () => {
    const { runtimes, site } = standing;
    const url = await site.put(
      'abi/runtime.js',
      `export { v86Version, prepare } from ${JSON.stringify(runtimes.older.url)};
      export const abiVersion = 99;`,
    );
    await expectFailureWithoutHarm(
      { ...runtimes.older, id: 'abi', url },
      { code: 'runtime-incompatible', phase: 'prepare' },
    );
  });

  const wasmFailure = { code: 'runtime-unavailable', phase: 'prepare' };

  test('a runtime whose wasm is not there', async () => {
    const { runtimes, site } = standing;
    const bad = { ...runtimes.older, id: 'no-wasm', wasmUrl: site.urlOf('missing/v86.wasm') };
    await expectFailureWithoutHarm(bad, wasmFailure);
  });

  test('a runtime whose wasm is cut off', async () => {
    const { runtimes, site } = standing;
    const whole = await site.read(pathOf(runtimes.older.wasmUrl));
    const wasmUrl = await site.put('cut/v86.wasm', whole.subarray(0, whole.length / 2));
    const bad = { ...runtimes.older, id: 'cut', wasmUrl };
    await expectFailureWithoutHarm(bad, wasmFailure);
  });

  test('a runtime whose wasm is noise', async () => {
    const { runtimes, site } = standing;
    const noise = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919) >> 3);
    const wasmUrl = await site.put('noise/v86.wasm', noise);
    const bad = { ...runtimes.older, id: 'noise', wasmUrl };
    await expectFailureWithoutHarm(bad, wasmFailure);
  });

  test('a runtime whose wasm is another module', async () => {
    const { runtimes, site } = standing;
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const wasmUrl = await site.put('empty/v86.wasm', empty);
    const bad = { ...runtimes.older, id: 'empty', wasmUrl };
    await expectFailureWithoutHarm(bad, wasmFailure);
  });

  for (const [what, prepare, failure] of [
    [
      'throws while it is prepared',
      `throw new Error('spoilt');`,
      { code: 'runtime-unavailable', phase: 'prepare' },
    ],
    [
      'throws after it was prepared',
      `await real.prepare(host, request); throw new Error('spoilt');`,
      { code: 'runtime-unavailable', phase: 'prepare' },
    ],
    [
      'would place the guest elsewhere',
      `const kept = new Map(host.kept).set('runtime.placement', '4096,8192');
      const elsewhere = new Proxy(host, { get(target, name) {
        const member = name === 'kept' ? kept : target[name];
        return typeof member === 'function' ? member.bind(target) : member;
      } });
      return real.prepare(elsewhere, request);`,
      { code: 'runtime-incompatible', phase: 'prepare' },
    ],
    [
      'throws while it loads',
      `const prepared = await real.prepare(host, request);
      return { ...prepared, load() { throw new Error('spoilt'); } };`,
      { code: 'runtime-failed', phase: 'load' },
    ],
    [
      'throws after it has loaded',
      `const prepared = await real.prepare(host, request);
      return { ...prepared, load(vmstate) { prepared.load(vmstate); throw new Error('spoilt'); } };`,
      { code: 'runtime-failed', phase: 'load' },
    ],
    [
      'throws after it has written all over the runtime area',
      `const prepared = await real.prepare(host, request);
      return { ...prepared, load() {
        new Uint8Array(host.memory.buffer, 0, host.runtimeBytes).fill(0xa5);
        throw new Error('spoilt');
      } };`,
      { code: 'runtime-failed', phase: 'load' },
    ],
    [
      'cannot read the state of the guest',
      `const prepared = await real.prepare(host, request);
      return { ...prepared, load(vmstate) {
        vmstate[vmstate.length >> 1] ^= 1;
        return prepared.load(vmstate);
      } };`,
      { code: 'bad-vmstate', phase: 'load' },
    ],
    [
      'throws when it is to run',
      `const prepared = await real.prepare(host, request);
      return { ...prepared, load(vmstate) {
        const instance = prepared.load(vmstate);
        instance.run = () => { throw new Error('spoilt'); };
        return instance;
      } };`,
      { code: 'runtime-failed', phase: 'run' },
    ],
    [
      'reports a crash while it takes over',
      `const prepared = await real.prepare(host, request);
      return { ...prepared, load(vmstate) {
        const instance = prepared.load(vmstate);
        host.crashed(new Error('spoilt'));
        return instance;
      } };`,
      { code: 'runtime-failed', phase: 'run' },
    ],
  ] as const) {
    test(`a runtime that ${what}`, async () => {
      const { runtimes, site } = standing;
      const bad = await spoiltRuntime(site, runtimes.older, what, prepare);
      await expectFailureWithoutHarm(bad, failure);
    });
  }
});

test('the second of two updates at once is refused, and the first succeeds', async () => {
  const { guest, inPage, runtimes } = standing;
  const { restarts } = await guest.status();
  const outcomes = await guest.machine(async (machine, { older, newer }) => {
    const settled = await Promise.allSettled([
      machine.restart({ runtime: older }),
      machine.restart({ runtime: newer }),
    ]);
    return settled.map((result) =>
      result.status === 'rejected' ? result.reason.code : result.value.runtimeId,
    );
  }, runtimes);
  expect(outcomes).toEqual([runtimes.older.id, 'busy']);
  await expectUnharmed(guest, inPage);
  expect((await guest.status()).restarts).toBe(restarts + 1);
});

test.describe('in the page', () => {
  test.use(patternGuest);

  test('an update that did not happen is explained, and tried again when asked', async ({
    guest,
    runtimes,
    site,
  }) => {
    const { page } = guest;
    const path = pathOf(runtimes.older.url);
    const script = await site.read(path);
    await site.remove(path);
    await page.getByRole('button', { name: /live update/i }).click();
    const notice = page.getByRole('alert');
    await expect(notice).toContainText('The live update did not happen');
    await expect(notice).toContainText('runtime-unavailable');
    await waitForPasses(guest);

    await site.put(path, script);
    await notice.getByRole('button', { name: 'Try again' }).click();
    await expect(playground(page).state('emulator')).toContainText(runtimes.older.v86Version);
    await expect(notice).toBeHidden();
    await waitForPasses(guest);
  });
});
