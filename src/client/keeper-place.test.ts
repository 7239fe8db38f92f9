import { afterEach, expect, test } from 'vitest';
import { didNotStart, placeOf } from './keeper-place.ts';
import type { KeeperWorker } from './keeper-worker.ts';

const { port1, port2 } = new MessageChannel();
afterEach(() => {
  port1.close();
  port2.close();
});

test('[KL5] a keeper that does not answer is silent; a new one did not start', async () => {
  const failed = new Promise<never>(() => {});
  const worker: KeeperWorker = { port: port1, failed, leave: () => {} };
  await expect(placeOf(worker, 5)).rejects.toMatchObject({ code: 'keeper-silent' });
  await expect(placeOf(worker, 5, didNotStart)).rejects.toMatchObject({
    code: 'keeper-unavailable',
  });
});
