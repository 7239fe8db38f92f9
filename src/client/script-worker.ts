/** The worker for state files of a build that has its script as a file, as the npm package does. */
import { scriptUrl } from '../protocol/script-url.ts';
import { openStateWorkersBy } from '../state-file/worker-client.ts';

export function openScriptWorkers(url: string): void {
  openStateWorkersBy(() => new Worker(scriptUrl(url), { type: 'module' }));
}
