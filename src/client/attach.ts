/** Attaches a page, or a program without one, to a keeper, and follows the guest to other keepers. */
import { HoldfastError } from '../errors.ts';
import type { KeeperInfo } from '../protocol/keeper-api.ts';
import { firstKeeperMethods } from '../protocol/keeper-calls.ts';
import type { KeeperAddress, KeeperPlace } from '../protocol/keeper-lookup.ts';
import { randomId } from '../protocol/random-id.ts';
import { type FoundKeeper, findKeeper } from './find-keeper.ts';
import type { KeeperConnection } from './keeper-connection.ts';
import type { KeeperWorker } from './keeper-worker.ts';
import { RemoteMachine } from './machine.ts';
import type { OpeningRules } from './state-files.ts';
import type { Machine } from './types.ts';
import { type UpgradeOptions, type UpgradeReport, upgradeKeeper } from './upgrade-keeper.ts';
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
  /** Aborts when this page leaves the keeper. */
  readonly left: AbortSignal;
}

interface AttachOptions extends OpeningRules {
  /** Silence after which a pending call is rejected with `keeper-silent`, ms. Default 10,000. */
  silenceMs?: number | undefined;
  /** See `ConnectOptions`. */
  upgrade?: 'needed' | 'override' | 'never' | undefined;
  /** Called with each attachment of a page, so that it can report more to the keeper. */
  attached?(attached: Attached): void;
}

/** @throws HoldfastError `keeper-unavailable`, `keeper-incompatible`, `keeper-silent` or `keeper-gone` */
export function attach(worker: KeeperWorker, options: AttachOptions = {}): Promise<Machine> {
  return new Attachment(options).begin(worker);
}

/** The keeper that a page is attached to. */
interface Link extends FoundKeeper {
  readonly events: MessagePort;
  /** Aborts when this page leaves the keeper. */
  readonly over: AbortController;
}

class Attachment {
  readonly #options: AttachOptions;
  readonly #silenceMs: number;
  readonly #pageId = randomId();
  readonly #pageLock = `holdfast-page-${this.#pageId}`;
  /** Aborts when this page leaves: releases its lock. */
  readonly #left = new AbortController();
  readonly #holding = holdLock(this.#pageLock, this.#left.signal);
  #link: Link | undefined;
  #following: Promise<void> = Promise.resolve();
  /** The keeper that this page leaves, or has left last. */
  #followsFrom: Link | undefined;
  /** Why this page could not follow the guest. */
  #strayed: HoldfastError | undefined;

  constructor(options: AttachOptions) {
    this.#options = options;
    this.#silenceMs = options.silenceMs ?? defaultSilenceMs;
    // Awaited later, unless no keeper answers.
    this.#holding.catch(() => {});
  }

  async begin(worker: KeeperWorker): Promise<Machine> {
    try {
      const link = await this.#linkTo(worker);
      const { info, connection, events } = link;
      const { runtimes, requirePublic } = this.#options;
      connection.follows = true;
      this.#adopt(link, connection);
      const machine: RemoteMachine = new RemoteMachine(info, connection, {
        events: { pageId: this.#pageId, port: events },
        leave: () => this.#leave(),
        moved: (to) => this.#follow(machine, connection, to),
        upgrade: (options) => this.#upgrade(options, (to) => this.#follow(machine, connection, to)),
        rules: { runtimes, requirePublic },
      });
      return machine;
    } catch (thrown) {
      this.#leave();
      throw HoldfastError.from(thrown, 'internal', 'The keeper could not be reached');
    }
  }

  /** @param has end of the output that this page has of each console */
  async #linkTo(worker: KeeperWorker, has?: Record<string, number>): Promise<Link> {
    const { upgrade = 'needed' } = this.#options;
    const found = await findKeeper(worker, {
      silenceMs: this.#silenceMs,
      ...(upgrade !== 'never' && {
        upgrade: async (worker, place) =>
          (await this.#move(worker, place, { override: upgrade === 'override' }))?.to,
      }),
    });
    const { connection } = found;
    connection.restrictTo(found.info.methods ?? firstKeeperMethods);
    // Awaited before the keeper requests the lock: it takes a free lock for a dead page.
    const hasLock = await this.#holding;
    const { port1: events, port2 } = new MessageChannel();
    const page = [hasLock ? this.#pageLock : '', this.#pageId] as const;
    try {
      const info = await connection.keeper.attach(port2, ...page, ...(has ? [has] : []));
      return { ...found, info, events, over: new AbortController() };
    } catch (thrown) {
      connection.close();
      const isMoved = thrown instanceof HoldfastError && thrown.code === 'keeper-moved';
      const { another, address } = found.worker;
      if (!isMoved || !another || !address) throw thrown;
      return this.#linkTo(another(address), has);
    }
  }

  /** @param connection of the machine, which may be older than the link */
  async #adopt(link: Link, connection: KeeperConnection): Promise<void> {
    const { info, events, over } = link;
    this.#link = link;
    if (info.keeperLock) void watchKeeper(info.keeperLock, connection, over.signal);
    const hasLock = await this.#holding;
    const { signal: left } = over;
    this.#options.attached?.({ info, pageId: this.#pageId, connection, events, hasLock, left });
  }

  /** The keeper's event and its answer may both say where the guest is. */
  #follow(machine: RemoteMachine, connection: KeeperConnection, to: KeeperAddress): void {
    if (this.#link === this.#followsFrom) return;
    this.#followsFrom = this.#link;
    this.#following = this.#followTo(machine, connection, to).catch((thrown: unknown) => {
      const { message } = HoldfastError.from(thrown, 'internal', '');
      const text = `The guest moved to a newer keeper and runs there. This page could not follow it: ${message} Reload the page.`;
      this.#strayed = new HoldfastError('keeper-moved', text, { cause: thrown });
      connection.lose(this.#strayed);
    });
  }

  async #followTo(
    machine: RemoteMachine,
    connection: KeeperConnection,
    to: KeeperAddress,
  ): Promise<void> {
    connection.moves();
    const former = this.#link;
    former?.over.abort();
    const worker = former?.worker.another?.(to);
    if (!worker) throw new HoldfastError('internal', 'Its worker is of this page alone.');
    const link = await this.#linkTo(worker, machine.consoleEnds());
    former?.events.close();
    await this.#adopt(link, connection);
    machine.arrive(link.info, link.events);
    await connection.follow(link.wire, link.info.methods ?? []);
  }

  async #upgrade(
    options: UpgradeOptions,
    follow: (to: KeeperAddress) => void,
  ): Promise<UpgradeReport | null> {
    const former = this.#link;
    const { worker, place } = former ?? {};
    if (!worker || !place) {
      throw new HoldfastError(
        'keeper-incompatible',
        'The keeper that runs is of release 0.1 and cannot move its guest. A durable machine resumes in the newer keeper once its pages have been closed for a while.',
      );
    }
    const report = await this.#move(worker, place, options);
    if (!report) return null;
    // The keeper's message to this page came before its answer, as a rule.
    const isHere = this.#link === former && !this.#left.signal.aborted;
    if (isHere) follow(report.to);
    await this.#following;
    if (this.#strayed) throw this.#strayed;
    return report;
  }

  #move(
    worker: KeeperWorker,
    place: KeeperPlace,
    options: UpgradeOptions,
  ): Promise<UpgradeReport | null> {
    const { runtimes = [] } = this.#options;
    return upgradeKeeper(worker, place, { ...options, runtimes, silenceMs: this.#silenceMs });
  }

  #leave(): void {
    this.#left.abort();
    this.#link?.over.abort();
    this.#link?.events.close();
    this.#link?.worker.leave();
  }
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
