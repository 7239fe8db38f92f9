/**
 * Entry point of a thread that stands for a web worker. It adds the globals that Holdfast's workers use,
 * and runs the script that {@link WorkerThread} names.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { fetchFiles } from './file-fetch.ts';
import { guardedHosts, guardLookups } from './guarded-hosts.ts';
import { addSyncRequest, answerRequests } from './sync-request.ts';

/** Without a script, the thread makes requests for the one that started it. */
const { script } = workerData as { script?: string };
guardLookups();
fetchFiles();
if (script === undefined) {
  if (parentPort) answerRequests(parentPort);
} else await run(script);

async function run(script: string): Promise<void> {
  addSyncRequest(() => new Worker(new URL(import.meta.url), { workerData: { guardedHosts } }));
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
}
