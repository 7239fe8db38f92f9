/** Threads of Node in place of web workers. */
import { Worker } from 'node:worker_threads';
import type { KeeperWorker } from '../../client/keeper-worker.ts';
import { HoldfastError } from '../../errors.ts';
import type { StateWorkerPort } from '../../state-file/worker-client.ts';
import { guardedHosts } from './guarded-hosts.ts';

/** The bundle of src/packages/node/worker.ts. */
const workerModule = () => new URL('./node-worker.js', import.meta.url);

/** @param script URL of a worker's own script, as a page would give it to `new Worker` */
const newThread = (script: string) =>
  new Worker(workerModule(), { workerData: { script, guardedHosts } });

export function openKeeperThread(script: string): KeeperWorker {
  const thread = newThread(script);
  const { port1, port2 } = new MessageChannel();
  thread.postMessage({ type: 'connect', port: port2 }, [port2 as never]);
  const failed = new Promise<never>((_, reject) => {
    const ended = (why: string) =>
      reject(new HoldfastError('keeper-unavailable', `The thread of the guest ended: ${why}`));
    thread.once('error', (error) => ended(error.stack ?? error.message));
    thread.once('exit', (code) => ended(`exit code ${code}`));
  });
  // After the first answer, no caller waits for it.
  failed.catch(() => {});
  return { port: port1, failed, leave: () => void thread.terminate() };
}

export function openStateThread(script: string): StateWorkerPort {
  const thread = newThread(script);
  // An open file does not keep a program from ending.
  thread.unref();
  return {
    postMessage: (message, transfer) => thread.postMessage(message, transfer as never),
    addEventListener: (type: 'message' | 'error', listener: (event: never) => void) => {
      if (type === 'error') thread.on('error', (error) => listener(error as never));
      else thread.on('message', (data) => listener({ data } as never));
    },
    terminate: () => void thread.terminate(),
  };
}
