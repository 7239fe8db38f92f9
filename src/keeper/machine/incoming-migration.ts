/** The destination of a migration: a machine is made of the guest that arrives. */
import { HoldfastError } from '../../errors.ts';
import type {
  CheckedGuest,
  MigrateIncomingReport,
  MigrateIncomingRequest,
} from '../../protocol/migration.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { DeviceStateItem } from '../../protocol/state-transfer.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import type { StateSection } from '../../vmstate/sections.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { xxh64 } from '../cpr/digest.ts';
import type { MigrationStep } from '../cpr/steps.ts';
import { AskedPage } from '../migration/asked-page.ts';
import type { MigrationChannel } from '../migration/channel.ts';
import { receiveContents } from '../migration/contents.ts';
import { ForeignRoom } from '../migration/foreign-room.ts';
import { type ArrivedDevice, arrivingItems, decodeRun } from '../migration/guest-data.ts';
import { MigrationLink } from '../migration/link.ts';
import { isHeldHere } from '../migration/peer-locks.ts';
import { checkedConfig, requireRoom } from '../migration/portable-config.ts';
import { requireDisks } from '../migration/reachable-disks.ts';
import { refused } from '../migration/refused.ts';
import { decodeSetup, encodeAccepted } from '../migration/setup.ts';
import type { HeldInput } from '../pages/page-input.ts';
import { abortable } from '../runtimes/abortable.ts';
import { acceptRuntime } from '../runtimes/accept-runtime.ts';
import { receiveItems } from '../transfer/receive-state.ts';
import { type MachineEnvironment, MachineHost } from './machine-host.ts';

interface IncomingOptions {
  request: MigrateIncomingRequest;
  channel: MigrationChannel;
  /** Set if the source is another host: the page at this port checks its guest. */
  ask?: MessagePort | undefined;
  /** The page carries frames of connections whose other ends are at the source. */
  relays?: boolean;
  environment: MachineEnvironment;
  /** The Web Lock of this worker. */
  keeperLock: string | undefined;
  /** Aborts when the machine is destroyed while it arrives. */
  signal: AbortSignal;
  /** Takes the machine's lock once the source has released it. @throws HoldfastError `taken-over` */
  hold(machineId: string, until: AbortSignal): Promise<void>;
  /** Called before the guest runs here: pages have to find it. */
  arrives?(): Promise<void>;
  /** Called with the machine, which has no guest yet. */
  made?(machine: MachineHost): void;
}

/** Longest wait for the machine's lock, which the source has released, ms. */
const lockMs = 1_000;
/** Longest wait for the source's first message, ms. */
const setupMs = 30_000;

/** @throws HoldfastError, which the source gets too; nothing of the guest stays here */
export async function receiveMigration(
  options: IncomingOptions,
): Promise<{ machine: MachineHost; result: MigrateIncomingReport }> {
  const { channel, signal } = options;
  const { h64Raw: digest } = await xxh64();
  const link = new MigrationLink(channel, digest);
  const destroyed = () => link.cancel(signal.reason);
  signal.addEventListener('abort', destroyed, { once: true });
  if (signal.aborted) destroyed();
  try {
    return await new Arrival(options, link, digest).run();
  } catch (thrown) {
    const adopted = adoptHoldfastError(thrown);
    const error = HoldfastError.from(adopted, 'migration-failed', 'The guest could not be taken');
    link.cancel(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', destroyed);
    link.close();
    options.ask?.close();
  }
}

class Arrival {
  readonly #options: IncomingOptions;
  readonly #link: MigrationLink;
  readonly #digest: Digest;
  readonly #beganMs = performance.now();
  /** The machine's lock decides which of both runs the guest. */
  #sharesBrowser = false;
  #device: (ArrivedDevice & { atMs: number }) | undefined;
  /** Keys and buttons that pages of this browser hold down. */
  #held: readonly HeldInput[] = [];

  constructor(options: IncomingOptions, link: MigrationLink, digest: Digest) {
    this.#options = options;
    this.#link = link;
    this.#digest = digest;
  }

  async run(): Promise<{ machine: MachineHost; result: MigrateIncomingReport }> {
    const { request, environment, keeperLock, signal } = this.#options;
    const link = this.#link;
    const { migration, state } = await this.#step('setup', async () => {
      const timer = setTimeout(() => link.cancel(refused('The source does not begin.')), setupMs);
      const { body } = await link.receive('setup');
      clearTimeout(timer);
      return decodeSetup(body, this.#digest);
    });
    const runtime = runtimeFor(request.runtimes, state.v86Version);
    const { ask } = this.#options;
    const page = ask && new AskedPage(ask, AbortSignal.any([signal, link.signal]));
    const { config, carried } = page ? await this.#asked(page, state) : checkedConfig(state.config);
    const { id = state.machineId } = page ? config : {};
    const complete = await receiveContents(link, { ...config, id }, carried);
    // Another host may name any lock.
    this.#sharesBrowser = !ask && (await isHeldHere(migration.keeperLock));
    let deviceState: Promise<DeviceStateItem> | undefined;
    const starting = AbortSignal.any([signal, link.signal]);
    const started = {
      config: complete,
      runtime,
      incoming: true,
      unhurried: true,
      replace: request.replace ?? false,
    };
    const machine = await MachineHost.start(started, environment, starting, (made) => {
      this.#around('accept', 'before');
      const items = arrivingItems(link, this.#digest, (device) => {
        this.#device = { ...device, atMs: performance.now() };
      });
      const room = page && new ForeignRoom((sizeBytes) => page.allows(sizeBytes));
      deviceState = receiveItems(made, state.ranges, room ? room.within(items) : items);
      // The start fails with it, through the link.
      deviceState.catch((thrown) => link.cancel(thrown));
      link.post(
        'accepted',
        encodeAccepted({
          sharesBrowser: this.#sharesBrowser,
          ...(keeperLock && { keeperLock }),
          ...(this.#options.relays && { relays: true }),
        }),
      );
      this.#around('accept', 'after');
    });
    this.#options.made?.(machine);
    link.post('prepared');
    try {
      await machine.operations.arrive(deviceState as Promise<DeviceStateItem>, {
        gapMs: () => this.#gapMs(),
        mayRun: () => this.#mayRun(machine, id),
        held: () => this.#held,
        // From the message `run` on the guest runs here, also if the source is gone.
        runs: () => void (link.signal.aborted || link.post('running')),
      });
    } catch (thrown) {
      machine.end();
      throw thrown;
    }
    const { execution } = machine;
    return {
      machine,
      result: {
        machineId: machine.id,
        runtimeId: runtime.id,
        v86Version: execution.instance.v86Version,
        durationMs: performance.now() - this.#beganMs,
      },
    };
  }

  /** @throws HoldfastError `migration-refused`, `not-approved`; the source has sent no memory */
  async #asked(page: AskedPage, state: StateSection): Promise<CheckedGuest> {
    const { title, machineId, v86Version, config } = state;
    const guest = await page.check({ title, machineId, v86Version, config });
    requireRoom(guest.config);
    await requireDisks(guest.config, AbortSignal.any([this.#options.signal, this.#link.signal]));
    return guest;
  }

  /** Time that the guest has stood still, as far as both ends know. */
  #gapMs(): number {
    if (!this.#device) return 0;
    return this.#device.stoppedMs + performance.now() - this.#device.atMs;
  }

  /** Everything is checked and loaded. The source decides now who runs the guest. */
  async #mayRun(machine: MachineHost, machineId: string): Promise<void> {
    const link = this.#link;
    const { signal, hold, arrives, ask } = this.#options;
    const isOwned = machine.backing.config.durable || this.#sharesBrowser;
    // Requested before the source releases it, the lock is here as soon as it is free.
    const late = new AbortController();
    const until = AbortSignal.any([late.signal, signal]);
    let owned: Promise<void> | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await this.#step('ready', async () => {
        link.post('ready');
        if (isOwned) owned = hold(machineId, until);
        owned?.catch(() => {});
      });
      await this.#step('run', async () => {
        const { body } = await link.receive('run');
        timer = setTimeout(() => late.abort(new DOMException('', 'TimeoutError')), lockMs);
        // Another host may say anything, and its guest has no part in what is stored here.
        if (!ask) {
          const { ownsStored, held } = decodeRun(body);
          machine.ownsStored = ownsStored;
          this.#held = held;
        }
        await Promise.all([arrives?.(), owned]);
        machine.gone.throwIfAborted();
      });
    } catch (thrown) {
      late.abort(thrown);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  #around(step: MigrationStep, when: 'before' | 'after'): void {
    this.#options.environment.around?.('migrateIncoming', step, when);
  }

  async #step<T>(step: MigrationStep, action: () => Promise<T>): Promise<T> {
    this.#around(step, 'before');
    const result = await abortable(action(), this.#options.signal);
    this.#around(step, 'after');
    return result;
  }
}

/** @throws HoldfastError `migration-refused` if the caller names no runtime */
function runtimeFor(runtimes: readonly RuntimeSource[], v86Version: string): RuntimeSource {
  const found = runtimes.find((one) => one.v86Version === v86Version) ?? runtimes[0];
  if (!found) throw refused('No runtime is named for the guest that arrives.');
  return acceptRuntime(found);
}
