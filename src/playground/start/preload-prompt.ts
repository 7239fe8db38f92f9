/**
 * Gives a first-time visitor the demo guest at its prompt. The state is fetched while keeper, runtime and
 * page still load. Part of preload.ts.
 */
import { promptState } from 'virtual:holdfast-build';
import { onOpenReceived, sendOpen } from '../../protocol/preload.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { scriptUrl } from '../../protocol/script-url.ts';
import type { PreloadJob, WorkerMessage } from '../../state-file/worker-protocol.ts';
import type { UrlOptions } from '../address/page-options.ts';
import { readSetting } from '../ui/settings.ts';
import type { PreloadedPrompt } from './preloaded-prompt.ts';

const stallMs = 30_000;

/** Whether this is a first visit, and the address asks for the demo guest. */
export function isPromptPreloaded(options: UrlOptions): boolean {
  return promptState !== undefined && readSetting('visited') === null && isUnchanged(options);
}

/** Asks the keeper at `port` to open it, unless this machine is in storage. */
export function preloadPrompt(
  port: MessagePort,
  options: UrlOptions,
  runtime: RuntimeSource,
): void {
  if (!promptState) return;
  const absolute = (path: string) => new URL(path, document.baseURI).href;
  const url = absolute(promptState.url);
  const script = scriptUrl(absolute(promptState.workerUrl));
  // The worker's name is the URL, which it fetches before the first message of this page.
  const worker = new Worker(script, { type: 'module', name: url });
  const { port1, port2 } = new MessageChannel();
  const { machineId, durable } = options;
  const job: PreloadJob = {
    type: 'preload',
    url,
    siteUrl: absolute('.'),
    runtime,
    config: { id: machineId, durable },
    stallMs,
    keeper: port1,
  };
  worker.postMessage(job, [port1]);
  sendOpen(port, { id: machineId, runtime, offer: port2 });
  window.holdfastPreloadedPrompt = outcome(worker, port);
}

/** Whether the address asks for the unchanged demo guest. */
function isUnchanged({ guest, memoryMiB, machine, coldBoot, typed }: UrlOptions): boolean {
  const isUsual = memoryMiB === undefined || memoryMiB === promptState?.memoryMiB;
  return guest === 'linux' && isUsual && !machine && !coldBoot && !typed;
}

function outcome(worker: Worker, port: MessagePort): PreloadedPrompt {
  const preloaded: PreloadedPrompt = { isReceived: false, opened: answered(worker) };
  onOpenReceived(port, () => {
    preloaded.isReceived = true;
  });
  void preloaded.opened.then(() => worker.terminate());
  return preloaded;
}

function answered(worker: Worker): Promise<boolean> {
  return new Promise((resolve) => {
    worker.addEventListener('message', ({ data }: MessageEvent<WorkerMessage>) => {
      if (data.type === 'preload-answered') resolve(data.opened);
    });
    worker.addEventListener('error', () => resolve(false));
  });
}
