/** Web Locks, or undefined on insecure origins and in older Node, where they are missing. */
export function webLocks(): LockManager | undefined {
  // The types say that there always is a navigator, and that it has locks.
  return (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
}
