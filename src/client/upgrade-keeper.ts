/** Moves the running guest to the keeper that the site serves now. */
import { HoldfastError } from '../errors.ts';
import { abiVersion } from '../protocol/abi.ts';
import { type Blocker, blockerSentence } from '../protocol/cpr.ts';
import {
  type KeeperAddress,
  type KeeperPlace,
  type MoveAnswer,
  nextName,
  sendDismiss,
  sendMove,
} from '../protocol/keeper-lookup.ts';
import { randomId } from '../protocol/random-id.ts';
import { wrapKeeper } from '../protocol/rpc.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import { fromWireError } from '../protocol/wire-error.ts';
import { absoluteRuntimes } from './absolute-urls.ts';
import { KeeperConnection } from './keeper-connection.ts';
import { didNotStart, placeOf } from './keeper-place.ts';
import type { KeeperWorker } from './keeper-worker.ts';

export interface UpgradeOptions {
  /** Moves the guest although its blockers say what will not follow it. Default false. */
  override?: boolean;
}

export interface UpgradeReport {
  /** The worker that has the guest now. */
  to: KeeperAddress;
  /** Time for which the guest ran in neither keeper, ms. Absent if it did not run. */
  downtimeMs?: number;
}

interface Move extends UpgradeOptions {
  silenceMs: number;
  /** The runtimes of this page's build, newest first. */
  runtimes: readonly RuntimeSource[];
}

/**
 * @returns null if the site serves the keeper that runs
 * @throws HoldfastError `blocked`, `site-updated`, `keeper-unavailable`, `keeper-silent`, or an error of the
 * migration; the guest continues in its keeper
 */
export async function upgradeKeeper(
  worker: KeeperWorker,
  place: KeeperPlace,
  { override = false, silenceMs, runtimes }: Move,
): Promise<UpgradeReport | null> {
  const { another, ownUrl } = worker;
  if (!another || ownUrl === undefined) throw endsWithPage();
  const to = { name: nextName(place.name, randomId()), url: ownUrl };
  const next = another(to);
  // A keeper that takes no guest is of no use.
  const dismiss = () => sendDismiss(next.port);
  try {
    const there = await placeOf(next, silenceMs, didNotStart);
    if (there.build === place.build) {
      dismiss();
      return null;
    }
    if (there.abi !== abiVersion) throw outdatedPage();
    const { port1: source, port2: destination } = new MessageChannel();
    const { port1: relay, port2: relayed } = new MessageChannel();
    const connection = new KeeperConnection(wrapKeeper(next.port), { silenceMs });
    const received = connection.keeper.migrateIncoming(
      { runtimes: absoluteRuntimes(runtimes) },
      destination,
      relayed,
    );
    received.catch(() => {});
    const answer = await move(worker, silenceMs, { to, channel: source, override, relay });
    if (answer.to.name !== to.name) dismiss();
    return answer;
  } catch (thrown) {
    dismiss();
    throw thrown;
  }
}

function move(
  worker: KeeperWorker,
  silenceMs: number,
  request: { to: KeeperAddress; channel: MessagePort; override: boolean; relay: MessagePort },
): Promise<UpgradeReport> {
  return new Promise((resolve, reject) => {
    const { port1: answers, port2 } = new MessageChannel();
    // A keeper that hangs or ends answers nothing.
    const watch = setInterval(() => placeOf(worker, silenceMs).catch(settle), silenceMs);
    const settle = (thrown?: unknown) => {
      clearInterval(watch);
      answers.close();
      if (thrown !== undefined) reject(thrown);
    };
    answers.onmessage = ({ data }: MessageEvent<MoveAnswer>) => {
      switch (data.type) {
        case 'busy':
          return;
        case 'blocked':
          settle(blocked(data.blockers));
          return;
        case 'failed':
          settle(fromWireError(data.error));
          return;
        case 'moved': {
          const { to, downtimeMs } = data;
          settle();
          resolve({ to, ...(downtimeMs !== undefined && { downtimeMs }) });
        }
      }
    };
    sendMove(worker.port, { ...request, answers: port2 });
  });
}

const blocked = (blockers: readonly Blocker[]) =>
  new HoldfastError(
    'blocked',
    `The guest stays in its keeper, because this would not follow it: ${blockers.map(blockerSentence).join(' ')}`,
  );

const endsWithPage = () =>
  new HoldfastError(
    'unsupported-browser',
    'In this browser the keeper ends with its page: reload the page to run the newer one.',
  );

const outdatedPage = () =>
  new HoldfastError(
    'site-updated',
    'The keeper that the site serves is newer than this page: reload the page, then upgrade.',
  );
