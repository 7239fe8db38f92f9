/** Watches a machine that runs in a worker which this page has no port to. */
import { HoldfastError } from '../errors.ts';
import type { TakenEvents } from '../protocol/event-bytes.ts';
import type { MachineEvent } from '../protocol/events.ts';
import { randomId } from '../protocol/random-id.ts';
import {
  type MachinesMessage,
  machinesChannel,
  type WatcherMessage,
  type WatchMessage,
} from '../protocol/watch.ts';
import type { WatchListener } from './types.ts';
import { holdLock, whenReleased } from './web-lock.ts';

/** Longest wait for the keeper that runs the machine, ms. It may be busy with a checkpoint. */
const answerMs = 5000;

interface Watcher extends WatchListener {
  event(event: MachineEvent): void;
}

export interface Watch {
  readonly machineId: string;
  /** Reports that the page has room for more. */
  took(taken: TakenEvents): void;
  close(): void;
}

/** @throws HoldfastError `not-found` if no keeper that runs the machine answers */
export async function watchMachine(machineId: string, watcher: Watcher): Promise<Watch> {
  const left = new AbortController();
  const { signal } = left;
  const name = `holdfast-watch-${randomId()}`;
  const channel = new BroadcastChannel(name);
  const machines = new BroadcastChannel(machinesChannel);
  const send = (message: WatcherMessage) => channel.postMessage(message);
  const close = () => {
    if (signal.aborted) return;
    send({ type: 'leave' });
    left.abort();
    channel.close();
    machines.close();
  };
  // Held before the page asks: a keeper takes a free lock for a page that is gone.
  if (!(await holdLock(name, signal))) {
    close();
    throw notThere();
  }
  const ask = () =>
    machines.postMessage({ type: 'watch', machineId, channel: name } satisfies MachinesMessage);
  machines.onmessage = ({ data }: MessageEvent<MachinesMessage>) => {
    if (data.type === 'there' && data.machineId === machineId) ask();
  };

  let keeper = new AbortController();
  const follow = async (keeperLock: string | undefined) => {
    keeper.abort();
    keeper = new AbortController();
    if (keeperLock === undefined) return;
    if (await whenReleased(keeperLock, AbortSignal.any([keeper.signal, signal]))) watcher.gone();
  };
  const sendVisible = () =>
    send({ type: 'visible', visible: document.visibilityState === 'visible' });
  document.addEventListener('visibilitychange', sendVisible, { signal });

  return new Promise<Watch>((resolve, reject) => {
    const timer = setTimeout(() => {
      close();
      reject(notThere());
    }, answerMs);
    channel.onmessage = ({ data }: MessageEvent<WatchMessage>) => {
      if (data.type !== 'watching') return watcher.event(data);
      clearTimeout(timer);
      watcher.began();
      void follow(data.keeperLock);
      sendVisible();
      const took = (taken: TakenEvents) => send({ type: 'took', taken });
      took({});
      resolve({ machineId, took, close });
    };
    ask();
  });
}

function notThere(): HoldfastError {
  return new HoldfastError(
    'not-found',
    'No tab that runs this machine answers: it was closed, or is of an earlier version that cannot be watched.',
  );
}
