import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { answeredNames, firstKeeperMethods, keeperCalls } from '../protocol/keeper-calls.ts';
import type { KeeperWire } from '../protocol/rpc.ts';
import { releasedCalls } from '../protocol/testing/released-calls.ts';
import { KeeperConnection } from './keeper-connection.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A keeper that answers nothing but what a test wants. */
function wireOf(answers: Record<string, (...args: unknown[]) => Promise<unknown>>): KeeperWire {
  const silent = () => new Promise<never>(() => {});
  return {
    call: (name, args) => (answers[name] ?? silent)(...args),
    release: () => {},
  };
}

test('a call to a keeper that answers nothing is rejected as keeper-silent', async () => {
  const connection = new KeeperConnection(wireOf({}), { silenceMs: 6000 });
  const lost = vi.fn();
  connection.onLost(lost);
  const call = connection.keeper.pause().catch((e) => e);
  await vi.advanceTimersByTimeAsync(5999);
  expect(lost).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(await call).toMatchObject({ code: 'keeper-silent' });
  expect(lost).toHaveBeenCalledOnce();
  await expect(connection.keeper.info()).rejects.toMatchObject({ code: 'keeper-silent' });
});

test('a call may take as long as it likes while pings are answered', async () => {
  const connection = new KeeperConnection(wireOf({ ping: async () => 0 }), { silenceMs: 6000 });
  const settled = vi.fn();
  connection.keeper
    .restart({} as never)
    .finally(settled)
    .catch(() => {});
  await vi.advanceTimersByTimeAsync(600_000);
  expect(settled).not.toHaveBeenCalled();
  connection.close();
});

test('nothing is pinged while nothing is pending', async () => {
  const ping = vi.fn(async () => 0);
  const connection = new KeeperConnection(wireOf({ ping, pause: async () => {} }), {
    silenceMs: 600,
  });
  await connection.keeper.pause();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ping).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test('a page that slept does not mistake its own sleep for silence', async () => {
  let answer = () => {};
  const ping = () => new Promise<number>((resolve) => (answer = () => resolve(0)));
  const connection = new KeeperConnection(wireOf({ ping }), { silenceMs: 6000 });
  const settled = vi.fn();
  connection.keeper
    .pause()
    .finally(settled)
    .catch(() => {});
  await vi.advanceTimersByTimeAsync(1000);
  // Hours pass in which no timer of this page runs; then one does, before the answer is read.
  vi.setSystemTime(Date.now() + 8 * 3_600_000);
  await vi.advanceTimersByTimeAsync(1000);
  answer();
  await vi.advanceTimersByTimeAsync(2000);
  answer();
  await vi.advanceTimersByTimeAsync(1000);
  expect(settled).not.toHaveBeenCalled();
  connection.close();
});

test('calls are rejected at once when the keeper is gone', async () => {
  const connection = new KeeperConnection(wireOf({}), { silenceMs: 6000 });
  const lost = vi.fn();
  connection.onLost(lost);
  const calls = [connection.keeper.pause(), connection.keeper.info()].map((c) => c.catch((e) => e));
  const gone = new HoldfastError('keeper-gone', 'Gone.');
  connection.lose(gone);
  expect(await Promise.all(calls)).toEqual([gone, gone]);
  expect(lost).toHaveBeenCalledExactlyOnceWith(gone);
  const late = vi.fn();
  connection.onLost(late);
  await vi.advanceTimersByTimeAsync(0);
  expect(late).toHaveBeenCalledExactlyOnceWith(gone);
});

test('a page that leaves on purpose has not lost its keeper', async () => {
  const connection = new KeeperConnection(wireOf({}), { silenceMs: 6000 });
  const lost = vi.fn();
  connection.onLost(lost);
  const call = connection.keeper.pause().catch((e) => e);
  connection.close();
  expect(await call).toMatchObject({ code: 'keeper-gone' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lost).not.toHaveBeenCalled();
});

test('a call that an older keeper does not know is refused before it is made', async () => {
  const suspend = vi.fn(async () => {});
  const pause = vi.fn(async () => {});
  const connection = new KeeperConnection(wireOf({ suspend, pause }), { silenceMs: 6000 });
  connection.restrictTo(firstKeeperMethods);
  const error = await connection.keeper.suspend().catch((e) => e);
  expect(error).toMatchObject({ code: 'keeper-incompatible' });
  expect(error.message).toContain('"suspend"');
  expect(suspend).not.toHaveBeenCalled();
  await connection.keeper.pause();
  expect(pause).toHaveBeenCalledOnce();

  connection.restrictTo(answeredNames);
  await connection.keeper.suspend();
  expect(suspend).toHaveBeenCalledOnce();
});

test('a page makes every call to a keeper of an earlier release by the name that it knows', async () => {
  const made: string[] = [];
  const wire: KeeperWire = {
    call: async (name) => void made.push(name),
    release: () => {},
  };
  const connection = new KeeperConnection(wire, { silenceMs: 6000 });
  connection.restrictTo(releasedCalls);
  const refused: unknown[] = [];
  for (const name of keeperCalls)
    await connection.call(name, []).catch(({ code }) => refused.push(code));
  // No new name reaches it, and none of its calls is out of reach.
  expect(made.toSorted()).toEqual(releasedCalls.toSorted());
  // Calls that came later.
  expect(refused.filter((code) => code !== 'keeper-incompatible')).toEqual([]);
});

test('a call that was renamed is refused where its former name is unknown too', async () => {
  const connection = new KeeperConnection(wireOf({}), { silenceMs: 6000 });
  connection.restrictTo([...firstKeeperMethods, 'storedMachines']);
  const error = await connection.keeper.storage.usage().catch((e) => e);
  expect(error).toMatchObject({ code: 'keeper-incompatible' });
  expect(error.message).toContain('"storage.usage"');
});

test('[KM3] calls that the former keeper refuses are made in the next one, in their order', async () => {
  const moved = new HoldfastError('keeper-moved', 'Moved.');
  const refused = vi.fn(() => Promise.reject(moved));
  const former = wireOf({ command: refused, ping: async () => 0, pause: refused });
  const made: unknown[] = [];
  const note = async (...args: unknown[]) => made.push(args);
  const next = wireOf({ command: note, ping: async () => 0, pause: note });
  const connection = new KeeperConnection(former, { silenceMs: 6000 });
  connection.follows = true;

  const first = connection.keeper.command('a', []);
  connection.moves();
  // Made while the refusal of the first is on its way.
  const second = connection.keeper.command('b', []);
  const third = connection.keeper.command('c', []);
  await connection.follow(next, ['command', 'pause', 'ping']);
  await Promise.all([first, second, third]);
  expect(made.map((args) => (args as unknown[])[0])).toEqual(['a', 'b', 'c']);
  expect(refused).toHaveBeenCalledOnce();
  await connection.keeper.pause();
  expect(made).toHaveLength(4);
});

test('[KM5] calls that wait for the next keeper are rejected when it cannot be reached', async () => {
  const connection = new KeeperConnection(wireOf({}), { silenceMs: 6000 });
  connection.moves();
  const call = connection.keeper.pause().catch((e) => e);
  connection.lose(new HoldfastError('keeper-moved', 'Reload.'));
  expect(await call).toMatchObject({ code: 'keeper-moved' });
});

test('a call whose port went to a keeper that the guest has left is not made again', async () => {
  const moved = async () => {
    throw new HoldfastError('keeper-moved', 'The guest moved.');
  };
  const connection = new KeeperConnection(wireOf({ exportState: moved }), { silenceMs: 6000 });
  connection.follows = true;
  const settled = vi.fn();
  connection.keeper.exportState(new MessageChannel().port1).catch(settled);
  await vi.advanceTimersByTimeAsync(1);
  expect(settled.mock.lastCall?.[0]).toMatchObject({ code: 'busy' });
});
