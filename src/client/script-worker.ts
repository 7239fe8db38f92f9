/** Worker for state files in a build that has its script as a file, such as the npm package. */
import { scriptUrl } from '../protocol/script-url.ts';
import { openStateWorkersBy } from '../state-file/worker-client.ts';

export function openScriptWorkers(url: string): void {
  openStateWorkersBy(() => new Worker(scriptUrl(url), { type: 'module' }));
}
