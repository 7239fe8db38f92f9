/** State that several processes of the server share through Redis. */
import { ERRORS, type Lock, type Locker, type RequestRelease } from '@tus/server';
import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { TimeoutError } from 'redis-semaphore';
import type { Coordination } from './coordination.ts';
import type { LedgerLimits } from './ledger.ts';
import type { RedisOptions } from './options.ts';
import { RedisLedger } from './redis-ledger.ts';
import { RedisMutex } from './redis-mutex.ts';

const prefix = 'holdfast:';
const lockWaitMs = 30_000;
const askAgainMs = 1000;

/**
 * @throws Error if the Redis server, version 5 or newer, cannot be reached
 */
export async function redisCoordination(
  { url, lockMs }: RedisOptions,
  limits: LedgerLimits,
): Promise<Coordination> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 3 });
  // A failure rejects the request that needed it; the client reconnects itself.
  redis.on('error', () => {});
  await redis.connect();
  const subscriber = redis.duplicate();
  subscriber.on('error', () => {});
  await subscriber.connect();
  const locks = await RedisLocks.open(redis, subscriber, lockMs);
  return {
    ledger: new RedisLedger(redis, prefix, limits),
    uploadLocks: locks,
    makeLimiter: (name, points, duration) =>
      new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `${prefix}${name}`,
        points,
        duration,
        // Without Redis each process still has limits.
        insuranceLimiter: new RateLimiterMemory({ points, duration }),
      }),
    exclusively: async (key, work) => {
      const mutex = new RedisMutex(redis, `${prefix}${key}`, {
        lockMs,
        waitMs: lockWaitMs,
        lost: () => console.error(`State server: the lock of ${key} was lost.`),
      });
      await mutex.acquire();
      try {
        return await work();
      } finally {
        await mutex.release();
      }
    },
    mayStart: async (name, everyMs) =>
      (await redis.set(`${prefix}started:${name}`, '1', 'PX', everyMs, 'NX')) === 'OK',
    close: async () => {
      subscriber.disconnect();
      redis.disconnect();
    },
  };
}

/** Locks of uploads. A waiting process asks the holder to release its lock. */
class RedisLocks implements Locker {
  readonly #redis: Redis;
  readonly #lockMs: number;
  readonly #releases = new Map<string, RequestRelease>();

  private constructor(redis: Redis, lockMs: number) {
    this.#redis = redis;
    this.#lockMs = lockMs;
  }

  static async open(redis: Redis, subscriber: Redis, lockMs: number): Promise<RedisLocks> {
    const locks = new RedisLocks(redis, lockMs);
    subscriber.on('message', (_channel, id: string) => void locks.#releases.get(id)?.());
    await subscriber.subscribe(`${prefix}release`);
    return locks;
  }

  newLock(id: string): Lock {
    let mutex: RedisMutex | undefined;
    return {
      lock: async (signal, requestRelease) => {
        const given = AbortSignal.any([signal, AbortSignal.timeout(lockWaitMs)]);
        const taken = await this.#take(id, given, requestRelease);
        mutex = taken;
        this.#releases.set(id, requestRelease);
      },
      unlock: async () => {
        this.#releases.delete(id);
        await mutex?.release();
      },
    };
  }

  async #take(
    id: string,
    signal: AbortSignal,
    requestRelease: RequestRelease,
  ): Promise<RedisMutex> {
    while (!signal.aborted) {
      const mutex = new RedisMutex(this.#redis, `${prefix}upload:${id}`, {
        lockMs: this.#lockMs,
        waitMs: askAgainMs,
        // Another process may have continued the upload.
        lost: () => void requestRelease(),
      });
      try {
        await mutex.acquire();
        return mutex;
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        await this.#redis.publish(`${prefix}release`, id);
      }
    }
    throw ERRORS.ERR_LOCK_TIMEOUT;
  }
}
