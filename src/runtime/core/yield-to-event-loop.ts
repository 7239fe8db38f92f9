/**
 * Lets the worker do everything else it has to do, the guest above all, before the next part
 * of a long preparation. A timeout rather than a message: nested timeouts are clamped to 4 ms,
 * so the guest gets more than one slice.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
