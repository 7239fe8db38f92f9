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
  /** Of uploads. */
  uploadLocks: Locker;
  makeLimiter: MakeLimiter;
  /** Lets what concerns one key happen one after the other. */
  exclusively<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Whether this process is the one that does what is to be done once in so long. */
  mayStart(name: string, everyMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** For a server that is one process. */
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
