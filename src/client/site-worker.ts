/** Worker for state files of a built site. The bundler finds the script by this expression. */
import { scriptUrl } from '../protocol/script-url.ts';
import { openStateWorkersBy } from '../state-file/worker-client.ts';

/**
 * Vite looks for `new Worker(new URL(…, import.meta.url))` and inserts the file name of the build.
 */
const Worker =
  globalThis.Worker &&
  class extends globalThis.Worker {
    constructor(url: URL, options: WorkerOptions) {
      super(scriptUrl(url), options);
    }
  };

export function openSiteWorkers(): void {
  openStateWorkersBy(
    () => new Worker(new URL('../state-file/state-worker.ts', import.meta.url), { type: 'module' }),
  );
}
