/** The keeper that preload.ts has started for this page. */
import type { KeeperWorker } from '../../client/keeper-worker.ts';

export interface PreloadedKeeper {
  worker: KeeperWorker;
  hello: Promise<void>;
}

declare global {
  interface Window {
    /** Rejects if the worker cannot be opened. */
    holdfastPreload?: Promise<PreloadedKeeper>;
  }
}

/** Longest wait for a keeper. A keeper of an earlier release sends no hello. */
const helloMs = 200;

/**
 * Browsers start a shared worker in the page's process, and need its main thread for that. A page that
 * keeps it busy meanwhile would start later.
 */
export async function preloadedKeeperReady(): Promise<void> {
  const { holdfastPreload } = window;
  if (!holdfastPreload) return;
  const hello = holdfastPreload.then(({ hello }) => hello).catch(() => {});
  await Promise.race([hello, new Promise((done) => setTimeout(done, helloMs))]);
}

/** Only once: a page that connects again starts its keeper anew. */
export async function takePreloadedKeeper(): Promise<KeeperWorker | undefined> {
  const { holdfastPreload } = window;
  delete window.holdfastPreload;
  return (await holdfastPreload?.catch(() => undefined))?.worker;
}
