/**
 * Runs in the head of the document, long before the page's own script is loaded. It starts the keeper,
 * which restores the guest that the page will ask for. The page also works without this script.
 */
import { keeperUrl, runtimes } from 'virtual:holdfast-build';
import {
  type KeeperWorkerOptions,
  openFirstWorker,
  openKeeperWorker,
} from '../../client/keeper-worker.ts';
import { missingFeatures } from '../../client/support.ts';
import { fetchChecked } from '../../protocol/fetch-checked.ts';
import { helloReceived, sendResume } from '../../protocol/preload.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { pageOptionNames, parsePageOptions, type UrlOptions } from '../address/page-options.ts';
import { isOfTracker } from '../address/unknown-options.ts';
import { resumeSetting } from '../ui/resume-setting.ts';
import { runtimeSource } from '../ui/runtime-source.ts';
import { readSetting } from '../ui/settings.ts';
import { isPromptPreloaded, preloadPrompt } from './preload-prompt.ts';
import type { PreloadedKeeper } from './preloaded-keeper.ts';

function start(): void {
  // This script lacks the option table, so any other option stops the preload.
  const names = [...new URLSearchParams(location.search).keys()];
  if (names.some((name) => !pageOptionNames.includes(name) && !isOfTracker(name))) return;
  const { options, problems } = parsePageOptions(location.href, {
    runtimes,
    base: document.baseURI,
  });
  const { host, machineId, state, runtime = runtimes[0] } = options;
  // A state is opened by the page.
  if (state || problems.length > 0 || missingFeatures().length > 0) return;
  window.holdfastPreload = openKeeper({ keeperUrl, host, machineId }, (port) => {
    if (runtime && resumeSetting() === 'auto') preloadGuest(port, options, runtimeSource(runtime));
  });
  window.holdfastPreload.catch(() => {});
  void openDatabases().catch(() => {});
}

/** @param opened called with the keeper's port before its answers are awaited */
async function openKeeper(
  options: KeeperWorkerOptions,
  opened: (port: MessagePort) => void,
): Promise<PreloadedKeeper> {
  // A guest that never moved is in its first keeper. The page looks again before it attaches.
  const hasMoved = readSetting('keeper-moved') !== null;
  const worker = hasMoved ? await openKeeperWorker(options) : openFirstWorker(options);
  const hello = helloReceived(worker.port);
  opened(worker.port);
  return { worker, hello };
}

/**
 * The browser opens the files of the database meanwhile, which takes longer than the keeper's start.
 * After a failed write they must not be opened again while the browser runs (docs/spec/storage.md).
 */
async function openDatabases(): Promise<void> {
  const held = (await navigator.locks?.query())?.held ?? [];
  if (!held.some(({ name }) => name?.startsWith('holdfast.retired ')))
    await indexedDB.databases?.();
}

/** Restores the guest in storage, if there is one. */
function preloadGuest(port: MessagePort, options: UrlOptions, runtime: RuntimeSource): void {
  const message = { id: options.machineId, runtime };
  if (!isPromptPreloaded(options)) {
    sendResume(port, message);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  sendResume(port, { ...message, checked: port2 });
  preloadPrompt(port, options, runtime);
  void checkRuntime(runtime, port1);
}

/**
 * On a first visit, nothing of the runtime is in the cache. The page compares its script with its digest
 * while the keeper starts. The keeper then imports it from the HTTP cache at once.
 */
async function checkRuntime({ url, sha256 }: RuntimeSource, checked: MessagePort): Promise<void> {
  const checking = sha256 === undefined ? undefined : fetchChecked(url, sha256);
  const response = await checking?.catch(() => undefined);
  checked.postMessage(response !== undefined);
}

try {
  // Before the first paint, so that a chosen theme does not flash. See theme.ts.
  document.documentElement.dataset.theme = readSetting('theme') ?? '';
  start();
} catch {
  // The page meets the same obstacle, and reports it.
}
