/** Operations that end half-way. */
import { expect } from '@playwright/test';
import { writeNames, writeStages } from '../../../../src/store/crash-windows.ts';
import type { ContractTest, Opener } from './opener.ts';

export function crashes(test: ContractTest): void {
  for (const write of writeNames) {
    test(`in a crash window of ${write} has been done as a whole or not at all`, async ({
      startOpener,
    }) => {
      const [opener, next] = [await startOpener(), await startOpener()];
      const { before, after } = await outcomes(opener, write);
      for (const stage of writeStages) {
        const reached = await opener.evaluate(
          async ({ write, window }) => {
            await lab.prepare();
            await lab.failure(() => lab.perform(write, { throwAt: window }));
            return lab.reached.includes(window);
          },
          { write, window: `${write}:${stage}` as const },
        );
        expect(reached, `${write}:${stage} was reached`).toBe(true);
        const found = await next.evaluate(readAfterCrash);
        expect(found, `after a failure at ${write}:${stage}`).toEqual({
          snapshot: stage === 'committed' ? after : before,
          orphans: 0,
        });
      }
    });
  }
}

/** The stored contents before and after an undisturbed write. */
export function outcomes(opener: Opener, write: (typeof writeNames)[number]) {
  return opener.evaluate(async (write) => {
    await lab.prepare();
    if (write === 'upgrade') {
      await lab.deleteDatabase();
      await lab.openStore();
    }
    const before = await lab.snapshot();
    await lab.perform(write, {});
    return { before, after: await lab.snapshot() };
  }, write);
}

/** Runs in an opener that comes after a crash. */
export async function readAfterCrash() {
  await lab.openStore();
  const snapshot = await lab.snapshot();
  return { snapshot, orphans: await lab.orphansAfterOpening() };
}
