/** Attaches a page, or a program without one, to a keeper. */
import { HoldfastError } from '../errors.ts';
import { abiVersion } from '../protocol/abi.ts';
import type { KeeperInfo } from '../protocol/keeper-api.ts';
import { firstKeeperMethods } from '../protocol/keeper-calls.ts';
import { randomId } from '../protocol/random-id.ts';
import { wrapKeeper } from '../protocol/rpc.ts';
import { KeeperConnection } from './keeper-connection.ts';
import type { KeeperWorker } from './keeper-worker.ts';
import { RemoteMachine } from './machine.ts';
import type { OpeningRules } from './state-files.ts';
import type { Machine } from './types.ts';
import { holdLock, whenReleased } from './web-lock.ts';

const defaultSilenceMs = 10_000;

/** State of an attached client. */
export interface Attached {
  readonly info: KeeperInfo;
  readonly pageId: string;
  readonly connection: KeeperConnection;
  /** Port that events arrive at. */
  readonly events: MessagePort;
  /** Whether the page holds a lock that the keeper uses to notice when it is gone. */
  readonly hasLock: boolean;
  /** Aborts when this page leaves. */
  readonly left: AbortSignal;
}

interface AttachOptions extends OpeningRules {
  /** Silence after which a pending call is rejected with `keeper-silent`, ms. Default 10,000. */
  silenceMs?: number | undefined;
  /** Called with the attachment of a page, so that it can report more to the keeper. */
  attached?(attached: Attached): void;
}

/** @throws HoldfastError `keeper-unavailable`, `keeper-incompatible`, `keeper-silent` or `keeper-gone` */
export async function attach(
  worker: KeeperWorker,
  { silenceMs = defaultSilenceMs, attached, ...options }: AttachOptions = {},
): Promise<Machine> {
  const connection = new KeeperConnection(wrapKeeper(worker.port), { silenceMs });
  /** Aborts when this page leaves: releases its lock, and stops watching the keeper's. */
  const left = new AbortController();
  const leave = () => {
    left.abort();
    worker.leave();
  };
  const pageId = randomId();
  const pageLock = `holdfast-page-${pageId}`;
  const holding = holdLock(pageLock, left.signal);
  // Awaited below, unless no keeper answers.
  holding.catch(() => {});
  try {
    const info = await Promise.race([connection.keeper.info(), worker.failed]);
    checkAbi(info);
    connection.restrictTo(info.methods ?? firstKeeperMethods);
    if (info.keeperLock) watchKeeper(info.keeperLock, connection, left.signal);

    // Awaited before the keeper requests the lock: it takes a free lock for a dead page.
    const hasLock = await holding;
    const { port1, port2 } = new MessageChannel();
    const there = await connection.keeper.attach(port2, hasLock ? pageLock : '', pageId);
    attached?.({ info, pageId, connection, events: port1, hasLock, left: left.signal });
    const close = () => {
      leave();
      port1.close();
    };
    return new RemoteMachine(there, connection, { pageId, port: port1 }, close, options);
  } catch (thrown) {
    connection.close();
    leave();
    throw HoldfastError.from(thrown, 'internal', 'The keeper could not be reached');
  }
}

function checkAbi({ abiVersion: found }: KeeperInfo): void {
  if (found === abiVersion) return;
  throw new HoldfastError(
    'keeper-incompatible',
    `This page speaks keeper ABI ${abiVersion}, but the keeper that is running speaks ABI ${found}. ` +
      (found < abiVersion
        ? 'To end the older keeper, and the guest in it, close all pages of this site and quit the browser.'
        : 'This page is older than the keeper: reload it.'),
  );
}

async function watchKeeper(
  keeperLock: string,
  connection: KeeperConnection,
  signal: AbortSignal,
): Promise<void> {
  if (!(await whenReleased(keeperLock, signal))) return;
  connection.lose(
    new HoldfastError(
      'keeper-gone',
      "The keeper's worker has ended, and the guest in it with it. Reload the page to start anew.",
    ),
  );
}
