/** Web Locks as signs of life: a lock becomes free when its holder is gone. */
import { webLocks } from '../protocol/web-locks.ts';

/**
 * Longest wait for a lock without other requests, ms: with a failing disk the browser may not
 * answer.
 */
const lockMs = 5_000;

/**
 * Holds a lock until `signal` aborts or this page ends.
 * @returns false if Web Locks are missing or blocked for this site.
 */
export function holdLock(name: string, signal: AbortSignal): Promise<boolean> {
  const manager = webLocks();
  if (manager === undefined) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), lockMs);
    const abortable = () =>
      new Promise<void>((release) => {
        clearTimeout(timer);
        resolve(true);
        signal.addEventListener('abort', () => release(), { once: true });
        if (signal.aborted) release();
      });
    manager.request(name, abortable).catch((thrown) => {
      clearTimeout(timer);
      // Site data is blocked.
      if (thrown instanceof DOMException && thrown.name === 'SecurityError') resolve(false);
      else reject(thrown);
    });
  });
}

/** Resolves true once the lock is free, false if that cannot be determined. */
export async function whenReleased(name: string, signal: AbortSignal): Promise<boolean> {
  const manager = webLocks();
  if (manager === undefined) return false;
  try {
    return await manager.request(name, { signal }, () => true);
  } catch {
    // Aborted: the result is not needed any more.
    return false;
  }
}
