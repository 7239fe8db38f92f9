/** Files of the package for a browser. */
import { assets, demo, stateWorkerUrl } from 'virtual:holdfast-assets';
import { openScriptWorkers } from '../../client/script-worker.ts';

openScriptWorkers(stateWorkerUrl);

export const files = { ...assets, demo };
