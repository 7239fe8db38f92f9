import { answerLookups } from '../protocol/keeper-lookup.ts';
import type { Supplies } from '../protocol/page-supply.ts';
import { onOpen, onResume, sendHello } from '../protocol/preload.ts';
import { randomId } from '../protocol/random-id.ts';
import { exposeKeeper } from '../protocol/rpc.ts';
import { webLocks } from '../protocol/web-locks.ts';
import { keeperStore, openNewerStore } from './cpr/keeper-store.ts';
import type { AroundStep } from './cpr/steps.ts';
import { Keeper } from './keeper.ts';
import { keeperBuild } from './upgrade/keeper-build.ts';

interface ServeOptions {
  /** Reads state files, which the keeper does not know. */
  supplies?: Supplies;
  /** Called around each step of cprSave and cprLoad, so that tests can make one fail. */
  around?: AroundStep;
}

/**
 * Runs the keeper in this worker. In a shared worker, pages arrive as `connect` events. In a
 * dedicated worker, its page posts `{ type: 'connect', port }`.
 */
export function servePages(options: ServeOptions = {}): void {
  const survivesPages = 'SharedWorkerGlobalScope' in globalThis;
  const keeper = createKeeper(survivesPages, options);
  const serve = async (port: MessagePort | undefined) => {
    // Calls wait in the port until it is exposed: no call is answered before the lock is held.
    if (!port) return;
    sendHello(port);
    const there = await keeper;
    onResume(port, ({ id, runtime, checked }) => there.preloadResume({ id, runtime }, checked));
    onOpen(port, (message) => there.preloadOpen(message));
    answerLookups(port, there);
    exposeKeeper(there, port, there.connection(), (call) => there.pass(call));
  };
  if (survivesPages) {
    addEventListener('connect', (event) => serve((event as MessageEvent).ports[0]));
  } else {
    addEventListener('message', ({ data }: MessageEvent) => {
      if (data?.type === 'connect') void serve(data.port);
    });
  }
}

async function createKeeper(survivesPages: boolean, options: ServeOptions): Promise<Keeper> {
  const instanceId = randomId();
  const startedAtMs = Date.now();
  const keeperLock = `holdfast-keeper-${instanceId}`;
  const openStore = keeperStore();
  // Opens the store early, because most pages come for a stored guest. The later user of the store
  // reports an error.
  openStore().catch(() => {});
  const held = await holdForLife(keeperLock);
  const build = keeperBuild;
  const identity = { instanceId, survivesPages, startedAtMs, build, ...(held && { keeperLock }) };
  const { name: workerName = '', close: end } = globalThis as { name?: string; close?: () => void };
  // No page looks for a worker that ends with its page.
  const name = survivesPages ? workerName : '';
  const { href: keeperUrl } = location;
  const worker = { keeperUrl, name, ...(end && { end: () => end() }) };
  return new Keeper(identity, { openStore, openNewerStore, ...worker, ...options });
}

/** Longest wait for a lock without competitors, ms: less than pages wait for the keeper. */
const lockMs = 5_000;

/** Resolves once the lock is held or unavailable. Only the end of this worker releases it. */
function holdForLife(name: string): Promise<boolean> {
  const locks = webLocks();
  if (locks === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const without = (reason: unknown) => {
      clearTimeout(timer);
      console.warn('Pages will not notice at once when this keeper ends:', reason);
      resolve(false);
    };
    const timer = setTimeout(() => without('the browser does not answer'), lockMs);
    const forLife = () => {
      clearTimeout(timer);
      resolve(true);
      return new Promise<never>(() => {});
    };
    locks.request(name, forLife).catch(without);
  });
}
