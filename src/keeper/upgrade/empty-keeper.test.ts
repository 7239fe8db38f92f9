import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MoveAnswer } from '../../protocol/keeper-lookup.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { FakeRuntime, fakeConfig } from '../testing/fake-runtime.ts';
import type * as keeperMove from './keeper-move.ts';

/** A test decides when the other keeper hears that no guest comes. */
const told = vi.hoisted(() => ({ begun: () => {}, end: () => {} }));
vi.mock('./keeper-move.ts', async (original) => ({
  ...(await original<typeof keeperMove>()),
  sendNothing: () =>
    new Promise<void>((resolve) => {
      told.end = resolve;
      told.begun();
    }),
}));

const to = { name: 'holdfast.1-a', url: 'https://site.test/keeper.js' };
let runtime: FakeRuntime;
let keeper: Keeper;
const end = vi.fn();

beforeEach(() => {
  vi.stubGlobal('navigator', {});
  runtime = new FakeRuntime('here');
  keeper = new Keeper(
    { instanceId: 'here', survivesPages: true, startedAtMs: 0 },
    {
      loader: new RuntimeLoader(async () => runtime.module),
      // It never answers.
      openStore: () => new Promise(() => {}),
      name: 'holdfast',
      keeperUrl: to.url,
      end,
    },
  );
});

afterEach(async () => {
  end.mockClear();
  await keeper.destroy().catch(() => {});
  vi.unstubAllGlobals();
});

function requestMove({ override = false } = {}): Promise<MoveAnswer> {
  const { port1: channel } = new MessageChannel();
  return new Promise((resolve) => {
    const answers = { postMessage: resolve } as never;
    keeper.move({ type: 'holdfast.move', to, channel, answers, override });
  });
}

/** Resolves while the keeper, which has no guest to send, moves. */
async function begunMove(options = {}): Promise<{ answer: Promise<MoveAnswer> }> {
  const begun = new Promise<void>((resolve) => {
    told.begun = resolve;
  });
  const answer = requestMove(options);
  await begun;
  return { answer };
}

test('[KM2] a machine that was started while an empty keeper moves stays, and the move fails', async () => {
  const { answer } = await begunMove();
  await keeper.start({ config: fakeConfig, runtime: runtime.source });
  told.end();
  expect(await answer).toMatchObject({ type: 'failed', error: { code: 'busy' } });
  expect(keeper.where().movedTo).toBeUndefined();
  expect(runtime.running).toBe(true);
});

test('[KM3] a call that comes while an empty keeper moves is not made there', async () => {
  const { answer } = await begunMove();
  const made = vi.fn();
  const call = Promise.resolve(keeper.pass(made));
  const refusal = expect(call).rejects.toMatchObject({ code: 'keeper-moved' });
  told.end();
  expect(await answer).toMatchObject({ type: 'moved', to });
  await refusal;
  expect(made).not.toHaveBeenCalled();
});

test('[KL3] a keeper that moved does not take its lock again for a page that attaches late', async () => {
  const request = vi.fn(() => new Promise(() => {}));
  vi.stubGlobal('navigator', { locks: { request } });
  const { answer } = await begunMove();
  told.end();
  await answer;
  const { port1 } = new MessageChannel();
  await expect(keeper.attach(port1, '')).rejects.toMatchObject({ code: 'keeper-moved' });
  expect(request).not.toHaveBeenCalled();
});

test.each(['shutdown', 'internal-error'])(
  '[KM2] a guest in runstate "%s" is a blocker, and ends with an override',
  async (runstate) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    await keeper.start({ config: fakeConfig, runtime: runtime.source });
    if (runstate === 'shutdown') runtime.host?.guestHalted?.();
    else runtime.host?.crashed(new Error('died'));
    expect(keeper.info().machine?.runstate).toBe(runstate);
    const blockers = [{ code: 'guest-ended' }];
    expect(await requestMove()).toMatchObject({ type: 'blocked', blockers });
    const { answer } = await begunMove({ override: true });
    told.end();
    expect(await answer).toEqual({ type: 'moved', to });
    expect(keeper.info().machine).toBeNull();
  },
);

test('[KM2] an export that is under way is a blocker', async () => {
  const { port1 } = new MessageChannel();
  keeper.storage.exportState('m', port1).catch(() => {});
  expect(await requestMove()).toMatchObject({
    type: 'blocked',
    blockers: [{ code: 'operation-in-flight' }],
  });
  port1.close();
});

test('[KM6] a keeper that waits for a guest whose source hangs ends when it is dismissed', async () => {
  const { port1, port2 } = new MessageChannel();
  const arriving = keeper.migrateIncoming({ runtimes: [runtime.source] }, port2);
  const refused = expect(arriving).rejects.toMatchObject({ code: 'cancelled' });
  await Promise.resolve();
  await keeper.dismiss();
  await refused;
  expect(end).toHaveBeenCalled();
  port1.close();
});
