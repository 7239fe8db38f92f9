/**
 * Lets the worker run all other tasks, above all the guest, before the next part of a long
 * preparation. It waits for a timeout, not a message: nested timeouts are clamped to 4 ms, so the
 * guest gets more than one slice.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
