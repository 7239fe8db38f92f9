/**
 * Entry point of a thread that stands for a web worker. It adds the globals that Holdfast's workers use,
 * and runs the script that {@link WorkerThread} names.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { fetchFiles } from './file-fetch.ts';
import { guardLookups } from './guarded-hosts.ts';

const { script } = workerData as { script: string };
guardLookups();
fetchFiles();
const waiting: unknown[] = [];
let deliver = (data: unknown): void => void waiting.push(data);
parentPort?.on('message', (data) => deliver(data));
Object.assign(globalThis, {
  self: globalThis,
  location: new URL(script),
  postMessage: (message: unknown) => parentPort?.postMessage(message),
  addEventListener: (type: string, listener: (event: { data: unknown }) => void) => {
    if (type !== 'message') return;
    deliver = (data) => listener({ data });
    for (const data of waiting.splice(0)) deliver(data);
  },
});
// Node 20 lacks it.
if (!globalThis.navigator) Object.assign(globalThis, { navigator: {} });
await import(/* @vite-ignore */ script);
