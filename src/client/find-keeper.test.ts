import { expect, test, vi } from 'vitest';
import { abiVersion } from '../protocol/abi.ts';
import type { KeeperApi } from '../protocol/keeper-calls.ts';
import { answerLookups, type KeeperAddress } from '../protocol/keeper-lookup.ts';
import { exposeKeeper } from '../protocol/rpc.ts';
import { findKeeper } from './find-keeper.ts';
import type { KeeperWorker } from './keeper-worker.ts';

/** A worker whose keeper speaks this ABI, and answers no calls. */
function workerOf(abi: number, movedTo?: KeeperAddress) {
  const { port1: port, port2 } = new MessageChannel();
  const where = () => ({ name: 'holdfast', build: 'b', abi, ...(movedTo && { movedTo }) });
  answerLookups(port2, { where, move: () => {}, dismiss: () => {} });
  port2.start();
  return { port, failed: new Promise<never>(() => {}), leave: () => port2.close() };
}

const address = (hop: number): KeeperAddress => ({
  name: `holdfast.${hop}-a`,
  url: 'https://site.test/keeper.js',
});

/** A keeper of an ABI that no page speaks, whose guest moved this many times. */
function movedKeeper(hops: number, asked: string[], abi = 0): KeeperWorker {
  let hop = 0;
  const next = (): KeeperWorker => {
    const isLast = hop === hops;
    const worker = isLast ? workerOf(abiVersion - 1) : workerOf(abi, address(++hop));
    return {
      ...worker,
      another: ({ name }) => {
        asked.push(name);
        return next();
      },
    };
  };
  return next();
}

test('[KL6] a page follows a guest of any ABI, up to 64 times', async () => {
  const asked: string[] = [];
  const near = findKeeper(movedKeeper(63, asked), { silenceMs: 1000 });
  // It has reached the keeper with the guest, which it cannot speak to.
  await expect(near).rejects.toMatchObject({ code: 'keeper-incompatible' });
  expect([asked.length, asked[0], asked.at(-1)]).toEqual([63, 'holdfast.1-a', 'holdfast.63-a']);
  const far = findKeeper(movedKeeper(100, []), { silenceMs: 1000 });
  await expect(far).rejects.toMatchObject({ code: 'keeper-gone' });
});

test('[KL7] a keeper of release 0.1 answers its call and is used as it is', async () => {
  const { port1: port, port2 } = new MessageChannel();
  const info = { abiVersion, instanceId: 'old', methods: [] };
  exposeKeeper({ info: async () => info } as unknown as KeeperApi, port2, {}, (call) => call());
  const upgrade = vi.fn(async () => undefined);
  const worker = { port, failed: new Promise<never>(() => {}), leave: () => port2.close() };
  const found = await findKeeper(worker, { silenceMs: 5000, upgrade });
  expect(found.info).toMatchObject({ instanceId: 'old' });
  expect(found.place).toBeUndefined();
  expect(upgrade).not.toHaveBeenCalled();
  found.connection.close();
  port2.close();
});

test('a page that is older than the keeper does not move the guest back to its own', async () => {
  const upgrade = vi.fn(async () => undefined);
  const finding = findKeeper(workerOf(abiVersion + 1), { silenceMs: 1000, upgrade });
  await expect(finding).rejects.toMatchObject({ code: 'keeper-incompatible' });
  expect(upgrade).not.toHaveBeenCalled();
});

test('a page that is newer than the keeper asks for the guest', async () => {
  const upgrade = vi.fn(async () => undefined);
  const finding = findKeeper(workerOf(abiVersion - 1), { silenceMs: 1000, upgrade });
  await expect(finding).rejects.toMatchObject({ code: 'keeper-incompatible' });
  expect(upgrade).toHaveBeenCalledOnce();
});
