/** The keeper that preload.ts has started for this page. */
import type { KeeperWorker } from '../../client/keeper-worker.ts';

declare global {
  interface Window {
    holdfastPreload?: { worker: KeeperWorker; hello: Promise<void> };
  }
}

/** Longest wait for a keeper: one of an earlier release does not say that it is there. */
const helloMs = 200;

/**
 * Browsers start a shared worker in the page's process, and need its main thread for that: a page that
 * keeps it busy meanwhile would wait longer in the end.
 */
export async function preloadedKeeperReady(): Promise<void> {
  const { holdfastPreload } = window;
  if (!holdfastPreload) return;
  await Promise.race([holdfastPreload.hello, new Promise((done) => setTimeout(done, helloMs))]);
}

/** Once: a page that connects again starts its keeper anew. */
export function takePreloadedKeeper(): KeeperWorker | undefined {
  const { holdfastPreload } = window;
  delete window.holdfastPreload;
  return holdfastPreload?.worker;
}
