/**
 * A page whose worker ends with it waits, while it goes, until the worker has saved the guest to the
 * last instruction. Waiting needs memory that both see, which only cross-origin isolated pages have;
 * on others what the guest did since the last checkpoint is lost.
 */
import { flushed } from '../protocol/keeper-api.ts';
import type { RemoteKeeper } from '../protocol/rpc.ts';

/** A guest takes some tens of milliseconds; whoever leaves is not kept for longer than this, ms. */
const longestWaitMs = 2000;

export function canFlushOnLeave(): boolean {
  return crossOriginIsolated && typeof SharedArrayBuffer === 'function';
}

export function flushOnLeave(keeper: RemoteKeeper, signal: AbortSignal): void {
  const flush = () => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    keeper.flush(word.buffer as SharedArrayBuffer).catch(() => {});
    const untilMs = performance.now() + longestWaitMs;
    // Nothing else waits on the page's own thread: the worker ends as soon as this returns.
    while (Atomics.load(word, 0) === 0 && performance.now() < untilMs);
    if (Atomics.load(word, 0) !== flushed.saved) console.warn('The guest was not saved in time.');
  };
  addEventListener('pagehide', flush, { signal });
}
