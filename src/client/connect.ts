import { HoldfastError } from '../errors.ts';
import { type Attached, attach } from './attach.ts';
import { canFlushOnLeave, flushOnLeave } from './flush-on-leave.ts';
import { confirmedWorker, openKeeperWorker } from './keeper-worker.ts';
import { missingFeatures } from './support.ts';
import type { ConnectOptions, Machine } from './types.ts';

/**
 * Connects this page to the keeper of its origin, and starts one if none runs.
 * @throws HoldfastError `unsupported-browser`, `keeper-unavailable`, `keeper-incompatible`,
 * `keeper-silent` or `keeper-gone`.
 */
export async function connect(options: ConnectOptions): Promise<Machine> {
  const missing = missingFeatures();
  if (missing.length > 0) {
    throw new HoldfastError(
      'unsupported-browser',
      `This browser cannot run a guest, it lacks: ${missing.join(', ')}. Use a current version of Chrome, Edge, Firefox or Safari.`,
    );
  }
  const { worker: given } = options;
  const worker = await (given ? confirmedWorker(given) : openKeeperWorker(options));
  const { silenceMs, runtimes, upgrade } = options;
  return attach(worker, { silenceMs, runtimes, upgrade, attached: asPage });
}

function asPage({ info, pageId, connection, events, hasLock, left }: Attached): void {
  if (!hasLock) notifyWhenLeaving(events, left);
  if (!info.survivesPages && canFlushOnLeave()) flushOnLeave(connection.keeper, left);
  reportVisibility(pageId, connection, left);
}

/**
 * Sends a message when the page leaves. This is the fallback for locks: a page that is killed sends
 * none, and stays attached for ever.
 */
function notifyWhenLeaving(events: MessagePort, left: AbortSignal): void {
  const leave = () => events.postMessage({ type: 'leave' });
  left.addEventListener('abort', leave, { once: true });
  const onPageHide = ({ persisted }: PageTransitionEvent) => {
    // A page in the back-forward cache may be shown again.
    if (!persisted) leave();
  };
  addEventListener('pagehide', onPageHide, { signal: left });
}

/** For guests that are suspended while no page shows them. Older keepers ignore it. */
function reportVisibility(
  pageId: string,
  connection: Attached['connection'],
  signal: AbortSignal,
): void {
  const report = () => {
    const isVisible = document.visibilityState === 'visible';
    connection.keeper.visibility(pageId, isVisible).catch(() => {});
  };
  document.addEventListener('visibilitychange', report, { signal });
  if (document.visibilityState !== 'visible') report();
}
