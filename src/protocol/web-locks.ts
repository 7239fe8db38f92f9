/**
 * Returns Web Locks, or undefined where they are missing: on insecure origins and in older Node.
 */
export function webLocks(): LockManager | undefined {
  // The types declare that a navigator with locks always exists.
  return (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
}
