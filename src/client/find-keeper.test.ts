import { expect, test, vi } from 'vitest';
import { abiVersion } from '../protocol/abi.ts';
import { answerLookups } from '../protocol/keeper-lookup.ts';
import { findKeeper } from './find-keeper.ts';

/** A worker whose keeper speaks this ABI, and answers no calls. */
function workerOf(abi: number) {
  const { port1: port, port2 } = new MessageChannel();
  const where = () => ({ name: 'holdfast', build: 'b', abi });
  answerLookups(port2, { where, move: () => {}, dismiss: () => {} });
  port2.start();
  return { port, failed: new Promise<never>(() => {}), leave: () => port2.close() };
}

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
