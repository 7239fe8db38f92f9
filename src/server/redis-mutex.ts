import type { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';

interface MutexOptions {
  /** Time for which a killed process holds it, ms. */
  lockMs: number;
  /** Longest wait for it, ms. */
  waitMs: number;
  /**
   * Called when another process may have it: this one was stopped, or Redis was unreachable, for
   * longer than the lock lasts.
   */
  lost(): void;
}

/**
 * A mutex of several processes. The library renews it by a timer without an error handler, and an
 * unhandled error ends a process. So a process that writes an upload while Redis is unreachable
 * would end.
 */
export class RedisMutex extends Mutex {
  constructor(redis: Redis, key: string, { lockMs, waitMs, lost }: MutexOptions) {
    super(redis, key, {
      lockTimeout: lockMs,
      // A busy computer may miss one.
      refreshInterval: lockMs / 3,
      acquireTimeout: waitMs,
      retryInterval: 50,
      onLockLost: lost,
    });
  }

  protected override async _refresh(): Promise<boolean> {
    try {
      return await super._refresh();
    } catch {
      // No other process can take it either. Redis reports the holder once it is reachable again.
      return true;
    }
  }
}
