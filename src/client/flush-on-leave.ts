/**
 * Lets a page that leaves wait until its dedicated worker has saved the guest to the last
 * instruction.
 *
 * The wait needs shared memory, which only cross-origin isolated pages have. On other pages the
 * guest loses everything since the last checkpoint.
 */
import { flushed } from '../protocol/keeper-api.ts';
import type { RemoteKeeper } from '../protocol/rpc.ts';

/** Longest delay of leaving the page, ms. A guest takes some tens of milliseconds, a busy computer more. */
const longestWaitMs = 5000;

export function canFlushOnLeave(): boolean {
  return crossOriginIsolated && typeof SharedArrayBuffer === 'function';
}

export function flushOnLeave(keeper: RemoteKeeper, signal: AbortSignal): void {
  const flush = () => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    keeper.flush(word.buffer as SharedArrayBuffer).catch(() => {});
    const untilMs = performance.now() + longestWaitMs;
    // A busy wait: nothing else blocks the page's own thread, and the worker ends as soon as this
    // returns.
    while (Atomics.load(word, 0) === 0 && performance.now() < untilMs);
    if (Atomics.load(word, 0) !== flushed.saved) console.warn('The guest was not saved in time.');
  };
  addEventListener('pagehide', flush, { signal });
}
