/** Threads of Node in the place of web workers. */
import { Worker } from 'node:worker_threads';
import { CprError } from '../errors.ts';
import type { KeeperWorker } from '../machine/keeper-worker.ts';
import type { StateWorkerPort } from '../share/worker-client.ts';

/** @param url of the module that src/node/keeper.ts is built into */
export function openKeeperThread(url: URL): KeeperWorker {
  const thread = new Worker(url);
  const { port1, port2 } = new MessageChannel();
  thread.postMessage(port2, [port2 as never]);
  const failed = new Promise<never>((_, reject) => {
    const gone = (why: string) =>
      reject(new CprError('keeper-unavailable', `The thread of the guest ended: ${why}`));
    thread.once('error', (error) => gone(error.stack ?? error.message));
    thread.once('exit', (code) => gone(`exit code ${code}`));
  });
  failed.catch(() => {});
  return {
    port: port1,
    failed,
    leave: () => {
      port1.close();
      void thread.terminate();
    },
  };
}

/** @param url of the module that src/node/state-worker.ts is built into */
export function openStateThread(url: URL): StateWorkerPort {
  const thread = new Worker(url);
  return {
    postMessage: (message, transfer) => thread.postMessage(message, transfer as never),
    addEventListener: (type: 'message' | 'error', listener: (event: never) => void) => {
      if (type === 'error') thread.on('error', (error) => listener(error as never));
      else thread.on('message', (data) => listener({ data } as never));
    },
    terminate: () => void thread.terminate(),
  };
}
