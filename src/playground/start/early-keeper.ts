/** The keeper that early.ts has started for this page. */
import type { KeeperWorker } from '../../client/keeper-worker.ts';

declare global {
  interface Window {
    holdfastEarly?: { worker: KeeperWorker; hello: Promise<void> };
  }
}

/** Longest wait for a keeper: one of an earlier release does not say that it is there. */
const helloMs = 200;

/**
 * Browsers start a shared worker in the page's process, and need its main thread for that: a page that
 * keeps it busy meanwhile would wait longer in the end.
 */
export async function earlyKeeperThere(): Promise<void> {
  const { holdfastEarly } = window;
  if (!holdfastEarly) return;
  await Promise.race([holdfastEarly.hello, new Promise((done) => setTimeout(done, helloMs))]);
}

/** Once: a page that connects again starts its keeper anew. */
export function takeEarlyKeeper(): KeeperWorker | undefined {
  const { holdfastEarly } = window;
  delete window.holdfastEarly;
  return holdfastEarly?.worker;
}
