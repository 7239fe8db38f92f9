import type { Locker } from '@tus/server';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { KeyedLock } from './keyed-lock.ts';
import type { Ledger, LedgerLimits } from './ledger.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { MemoryLocks } from './memory-locks.ts';
import type { MakeLimiter } from './rate-limits.ts';

/** State that several processes of the server share: current work, and use. */
export interface Coordination {
  ledger: Ledger;
  /** Locks of uploads. */
  uploadLocks: Locker;
  makeLimiter: MakeLimiter;
  /** Runs work on one key one after the other. */
  exclusively<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Returns true if this process may start the task, which runs once in this time. */
  mayStart(name: string, everyMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Creates the coordination of a server that is one process. */
export function ownCoordination(limits: LedgerLimits): Coordination {
  const locks = new KeyedLock();
  return {
    ledger: new MemoryLedger(limits),
    uploadLocks: new MemoryLocks(),
    makeLimiter: (_name, points, duration) => new RateLimiterMemory({ points, duration }),
    exclusively: (key, work) => locks.run(key, work),
    mayStart: async () => true,
    close: async () => {},
  };
}
