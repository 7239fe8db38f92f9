import type { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';

interface MutexOptions {
  /** For so long a process that was killed holds it, ms. */
  lockMs: number;
  /** Longest wait for it, ms. */
  waitMs: number;
  /** Another process may have it: this one stood still, or Redis was away, for longer than it lasts. */
  lost(): void;
}

/**
 * A mutex of several processes. The library renews it by a timer whose failure nobody hears, and an
 * unheard failure ends a process: one that is writing an upload while Redis is away would end.
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
      // Nobody else can take it either. Redis says whose it is once it is there again.
      return true;
    }
  }
}
