import { ERRORS, type Lock, type Locker, type RequestRelease } from '@tus/server';

const waitMs = 30_000;

interface Holder {
  requestRelease: RequestRelease;
  /** Called when the lock is free again. */
  waiting: Set<() => void>;
}

/**
 * Locks of uploads for the tus server. Waiting costs nothing. The library's own lock polls in a
 * loop: two requests to one upload would keep a core busy.
 */
export class MemoryLocks implements Locker {
  readonly #holders = new Map<string, Holder>();

  newLock(id: string): Lock {
    let held: Holder | undefined;
    return {
      lock: async (signal, requestRelease) => {
        held = await this.#take(id, AbortSignal.any([signal, AbortSignal.timeout(waitMs)]), {
          requestRelease,
          waiting: new Set(),
        });
      },
      unlock: async () => {
        if (!held || this.#holders.get(id) !== held) return;
        this.#holders.delete(id);
        for (const wake of held.waiting) wake();
      },
    };
  }

  async #take(id: string, signal: AbortSignal, own: Holder): Promise<Holder> {
    for (;;) {
      if (signal.aborted) throw ERRORS.ERR_LOCK_TIMEOUT;
      const holder = this.#holders.get(id);
      if (!holder) break;
      const free = freed(holder, signal);
      await holder.requestRelease();
      await free;
    }
    this.#holders.set(id, own);
    return own;
  }
}

/** Waits until the holder releases the lock, or for the signal. */
function freed({ waiting }: Holder, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      signal.removeEventListener('abort', end);
      waiting.delete(end);
      done();
    };
    waiting.add(end);
    signal.addEventListener('abort', end);
  });
}
