import { CprError } from '../errors.ts';
import { abiVersion } from '../protocol/abi.ts';
import type { KeeperInfo } from '../protocol/keeper-api.ts';
import { randomId } from '../protocol/random-id.ts';
import { firstKeeperMethods, wrapKeeper } from '../protocol/rpc.ts';
import { Connection } from './connection.ts';
import { canFlushOnLeave, flushOnLeave } from './flush-on-leave.ts';
import { openKeeperWorker } from './keeper-worker.ts';
import { RemoteMachine } from './machine.ts';
import { missingFeatures } from './support.ts';
import type { ConnectOptions, Machine } from './types.ts';
import { holdLock, whenReleased } from './web-lock.ts';

const defaultSilenceMs = 10_000;

/**
 * Connects this page to the keeper of its origin, starting it if there is none.
 * @throws CprError `unsupported-browser`, `keeper-unavailable`, `keeper-incompatible`,
 * `keeper-silent` or `keeper-gone`.
 */
export async function connect(options: ConnectOptions): Promise<Machine> {
  const missing = missingFeatures();
  if (missing.length > 0) {
    throw new CprError(
      'unsupported-browser',
      `This browser cannot run a guest, it lacks: ${missing.join(', ')}. Use a current version of Chrome, Edge, Firefox or Safari.`,
    );
  }

  const worker = options.worker ?? openKeeperWorker(options);
  const { silenceMs = defaultSilenceMs } = options;
  const connection = new Connection(wrapKeeper(worker.port), { silenceMs });
  /** Aborts when this page leaves: gives its lock back, stops watching the keeper's. */
  const left = new AbortController();
  const leave = () => {
    left.abort();
    worker.leave();
  };
  try {
    const info = await Promise.race([connection.keeper.info(), worker.failed]);
    checkAbi(info);
    connection.restrictTo(info.methods ?? firstKeeperMethods);
    if (info.keeperLock) watchKeeper(info.keeperLock, connection, left.signal);

    // Held before the keeper asks for it: it takes a free lock for a dead page.
    const pageId = randomId();
    const pageLock = `holdfast-page-${pageId}`;
    const held = await holdLock(pageLock, left.signal);
    const { port1, port2 } = new MessageChannel();
    const attached = await connection.keeper.attach(port2, held ? pageLock : '', pageId);
    if (!held) sayWhenLeaving(port1, left.signal);
    if (!info.survivesPages && canFlushOnLeave()) flushOnLeave(connection.keeper, left.signal);
    reportVisibility(pageId, connection, left.signal);
    return new RemoteMachine(attached, connection, port1, () => {
      leave();
      port1.close();
    });
  } catch (thrown) {
    connection.close();
    leave();
    throw CprError.from(thrown, 'internal', 'The keeper could not be reached');
  }
}

function checkAbi({ abiVersion: found }: KeeperInfo): void {
  if (found === abiVersion) return;
  throw new CprError(
    'keeper-incompatible',
    `This page speaks keeper ABI ${abiVersion}, but the keeper that is running speaks ABI ${found}. ` +
      (found < abiVersion
        ? 'To end the older keeper, and the guest in it, close all pages of this site and quit the browser.'
        : 'This page is older than the keeper: reload it.'),
  );
}

/** The second best way: a page that is killed says nothing, and stays attached for ever. */
function sayWhenLeaving(events: MessagePort, left: AbortSignal): void {
  const leave = () => events.postMessage({ type: 'leave' });
  left.addEventListener('abort', leave, { once: true });
  const onPageHide = ({ persisted }: PageTransitionEvent) => {
    // A page in the back-forward cache may come back.
    if (!persisted) leave();
  };
  addEventListener('pagehide', onPageHide, { signal: left });
}

/** For guests that are suspended while nobody can see them. Older keepers have no use for it. */
function reportVisibility(pageId: string, connection: Connection, signal: AbortSignal): void {
  const report = () => {
    const isVisible = document.visibilityState === 'visible';
    connection.keeper.visibility(pageId, isVisible).catch(() => {});
  };
  document.addEventListener('visibilitychange', report, { signal });
  if (document.visibilityState !== 'visible') report();
}

async function watchKeeper(
  keeperLock: string,
  connection: Connection,
  signal: AbortSignal,
): Promise<void> {
  if (!(await whenReleased(keeperLock, signal))) return;
  connection.lose(
    new CprError(
      'keeper-gone',
      "The keeper's worker has ended, and the guest in it with it. Reload the page to start anew.",
    ),
  );
}
