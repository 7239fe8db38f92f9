import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedis, noRedis } from '../../tools/redis.mjs';
import { slowTimeout } from '../../tools/slow-timeout.ts';
import type { Coordination } from './coordination.ts';
import { redisCoordination } from './redis-coordination.ts';
import { type RunningRedis, startRedis } from './testing/redis.ts';

const hasRedis = findRedis() !== undefined;
if (!hasRedis) console.warn(`${noRedis} Its loss is not tested.`);

describe.skipIf(!hasRedis)('a process that holds locks while Redis is away', () => {
  let redis: RunningRedis;
  let coordination: Coordination;

  beforeAll(async () => {
    redis = await startRedis();
    coordination = await redisCoordination(
      { url: redis.url, lockMs: 300 },
      {
        maxTotalBytes: 1,
        maxPendingBytes: 1,
        maxPendingUploads: 1,
        maxPendingBytesPerClient: 1,
        maxPendingUploadsPerClient: 1,
      },
    );
  });
  afterAll(async () => {
    await coordination.close();
    await redis.close();
    // Some tests have already closed it.
    await redis.close();
  });

  test('[9] continues, and learns that an upload is no longer its own', async () => {
    const lock = coordination.uploadLocks.newLock('an-upload');
    let isLost = false;
    await lock.lock(new AbortController().signal, () => {
      isLost = true;
    });
    let done = () => {};
    const working = coordination.exclusively(
      'state:x',
      () =>
        new Promise<void>((resolve) => {
          done = resolve;
        }),
    );
    working.catch(() => {});
    await redis.restart(async () => {
      // Long enough for several renewals to have failed.
      for (let failed = 0; failed < 3; failed++)
        await expect(coordination.mayStart('anything', 1)).rejects.toThrow();
    });
    await expect.poll(() => isLost, slowTimeout).toBe(true);
    done();
    await working;
    await lock.unlock();
  });
});
