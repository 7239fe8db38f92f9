/** Facts about the worker at the other end, from Web Locks. */
import { webLocks } from '../../protocol/web-locks.ts';

/** Returns true if a lock of this name is held in this browser, so that its holder is of it. */
export async function isHeldHere(lock: string | undefined): Promise<boolean> {
  if (lock === undefined) return false;
  const held = (await webLocks()?.query())?.held ?? [];
  return held.some(({ name }) => name === lock);
}
