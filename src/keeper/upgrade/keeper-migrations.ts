/** The moves of a keeper's one machine: to other keepers, and from them. */
import { HoldfastError } from '../../errors.ts';
import type { Blocker } from '../../protocol/cpr.ts';
import type { KeeperAddress, MoveMessage } from '../../protocol/keeper-lookup.ts';
import type {
  MigrateIncomingReport,
  MigrateIncomingRequest,
  MigrateOptions,
  MigrateReport,
} from '../../protocol/migration.ts';
import type { StoredMachines } from '../durable/stored-machines.ts';
import { receiveMigration } from '../machine/incoming-migration.ts';
import type { MachineEnvironment } from '../machine/machine-host.ts';
import type { MachineSlot } from '../machine/machine-slot.ts';
import { PortChannel } from '../migration/channel.ts';
import { turnAway } from '../migration/link.ts';
import { withDeadline } from '../runtimes/abortable.ts';
import { type MovingKeeper, sendNothing } from './keeper-move.ts';
import { MachineNetwork } from './machine-network.ts';
import { exportRuns, hasEnded, moveBlockers } from './move-blockers.ts';
import type { NameLock } from './name-lock.ts';
import { closeRelay } from './network-relay.ts';

/** Longest downtime of a guest that moves to a newer keeper, ms: a busy computer is no obstacle. */
const moveDowntimeMs = 1_000;

/** Time for pages that look for the machine while it moves, ms. Then its former keeper ends. */
const signpostMs = 30_000;

/** Longest wait for the lock by which pages find this keeper, ms. The guest stands still meanwhile. */
const nameLockMs = 2_000;

interface MigratingKeeper {
  readonly slot: MachineSlot;
  readonly environment: MachineEnvironment;
  readonly nameLock: NameLock;
  readonly storage: Pick<StoredMachines, 'isExporting'>;
  /** The Web Lock of this worker. */
  readonly keeperLock: string | undefined;
  /** Resolves once what a page's preload began is settled. */
  preloadSettled(): Promise<void>;
  /** Ends this worker. */
  end(): void;
}

export class KeeperMigrations implements MovingKeeper {
  readonly #keeper: MigratingKeeper;
  /** Each aborts a migration to this keeper. */
  readonly #arriving = new Set<AbortController>();

  constructor(keeper: MigratingKeeper) {
    this.#keeper = keeper;
  }

  async blockers(options: { isRelayed: boolean }): Promise<readonly Blocker[]> {
    const { slot, storage } = this.#keeper;
    if (storage.isExporting) return [exportRuns];
    return slot.machine ? moveBlockers(slot.machine, options) : [];
  }

  async send(
    { to, channel, relay }: Pick<MoveMessage, 'to' | 'channel' | 'relay'>,
    stopped: () => void,
  ): Promise<{ downtimeMs?: number }> {
    const { slot } = this.#keeper;
    if (slot.isStarting) throw startsMachine();
    const { machine } = slot;
    if (!machine || hasEnded(machine)) {
      // A machine that a call starts here from now on would end with this worker.
      stopped();
      await sendNothing(channel);
      // A page's call may have begun before.
      if (slot.machine !== machine || slot.isStarting) throw startsMachine();
      this.#moved(to);
      if (machine) slot.end(machine);
      this.#endAfter(relay, undefined);
      return {};
    }
    const network = new MachineNetwork(machine);
    const options = { downtimeLimitMs: moveDowntimeMs };
    const left = ({ downtimeMs }: MigrateReport) => {
      this.#moved(to, downtimeMs);
      if (relay) network.take();
    };
    const isRelayed = relay !== undefined;
    const { downtimeMs } = await this.migrate(channel, options, { stopped, left, isRelayed });
    this.#endAfter(relay, network);
    return { downtimeMs };
  }

  /** @param pages called when the guest has stopped, and when it runs elsewhere */
  async migrate(
    target: MessagePort,
    options: MigrateOptions,
    {
      stopped,
      left,
      isRelayed,
      siteUrl,
      relay,
    }: {
      stopped?: () => void;
      left?: (report: MigrateReport) => void;
      isRelayed?: boolean;
      siteUrl?: string | undefined;
      /** Set for a destination on another host: the page carries what is relayed. */
      relay?: MessagePort | undefined;
    } = {},
  ): Promise<MigrateReport> {
    const { slot, keeperLock } = this.#keeper;
    const channel = new PortChannel(target);
    try {
      const machine = slot.present;
      const lock = {
        release: () => slot.letGo(),
        hold: () => slot.hold(machine.id),
      };
      const offersRelay = relay !== undefined;
      const to = { channel, keeperLock, lock, stopped, isRelayed, offersRelay, siteUrl };
      const report = await machine.operations.migrate(to, options);
      left?.(report);
      const network = report.isRelayed ? new MachineNetwork(machine) : undefined;
      network?.take();
      const message = 'The guest moved to another keeper and runs there.';
      slot.end(machine, new HoldfastError('migrated', message));
      // The machine, which has ended, unplugs its network no more.
      if (relay && network?.isTaken) void network.relay(relay, { isForeign: true });
      else if (relay) closeRelay(relay);
      return report;
    } catch (thrown) {
      if (relay) closeRelay(relay);
      await turnAway(channel, thrown);
      throw thrown;
    }
  }

  async receive(
    request: MigrateIncomingRequest,
    port: MessagePort,
    { relay, ask }: { relay?: MessagePort | undefined; ask?: MessagePort },
  ): Promise<MigrateIncomingReport> {
    const { slot, environment, nameLock, keeperLock, preloadSettled } = this.#keeper;
    const channel = new PortChannel(port);
    const wasFound = nameLock.isHeld;
    const arriving = new AbortController();
    this.#arriving.add(arriving);
    try {
      await preloadSettled();
      arriving.signal.throwIfAborted();
      if (slot.machine && !request.replace) {
        throw new HoldfastError(
          'bad-runstate',
          'There is a machine already: destroy it first, or migrate with "replace".',
        );
      }
      return await slot.fill((signal) =>
        receiveMigration({
          request,
          channel,
          ask,
          relays: ask !== undefined && relay !== undefined,
          environment,
          keeperLock,
          signal: AbortSignal.any([signal, arriving.signal]),
          hold: (machineId, until) => slot.hold(machineId, until),
          arrives: () => this.#beFound(signal),
          made: (machine) =>
            relay && new MachineNetwork(machine).join(relay, { isForeign: ask !== undefined }),
        }),
      );
    } catch (thrown) {
      // Pages that came for the guest have to find it where it runs on.
      if (!slot.machine && !wasFound) nameLock.release();
      if (relay) closeRelay(relay);
      await turnAway(channel, thrown);
      throw thrown;
    } finally {
      this.#arriving.delete(arriving);
    }
  }

  /** Expects no guest any more. Its source may hang, and then says nothing. */
  dismiss(): void {
    const reason = new HoldfastError('cancelled', 'The page that opened this keeper left it.');
    for (const arriving of this.#arriving) arriving.abort(reason);
  }

  /** [KL3] @throws HoldfastError `migration-failed` if the browser does not give the lock */
  async #beFound(signal: AbortSignal): Promise<void> {
    const { nameLock } = this.#keeper;
    try {
      await withDeadline(nameLockMs, signal, async () => nameLock.hold());
    } catch (thrown) {
      const what = 'Pages could not find this keeper: the browser does not give it its lock';
      throw HoldfastError.from(thrown, 'migration-failed', what);
    }
  }

  /** Ends this worker once nothing looks for the machine here, and no connection of the guest is left. */
  #endAfter(relay: MessagePort | undefined, network: MachineNetwork | undefined): void {
    const isRelayed = relay && network?.isTaken;
    const relaying = isRelayed ? network.relay(relay) : Promise.resolve(relay?.close());
    void relaying.then(() => setTimeout(() => this.#keeper.end(), signpostMs));
  }

  #moved(to: KeeperAddress, downtimeMs?: number): void {
    const event = { type: 'moved', to, ...(downtimeMs !== undefined && { downtimeMs }) } as const;
    this.#keeper.environment.pages.broadcast(event, []);
    this.#keeper.nameLock.release();
  }
}

const startsMachine = () =>
  new HoldfastError('busy', 'A machine is being started: wait for it, then upgrade.');
