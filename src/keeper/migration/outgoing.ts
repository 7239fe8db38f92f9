/**
 * The source of a migration. The guest's memory is sent in rounds while it runs. It stands still from
 * the last round on. It runs on here when anything fails before `run` is sent. After that it runs
 * here again only if it is known not to run at the destination.
 */
import { HoldfastError } from '../../errors.ts';
import type { RuntimeInstance } from '../../protocol/abi.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { Blocker } from '../../protocol/cpr.ts';
import {
  type MigrateOptions,
  type MigrateReport,
  type MigrationInfo,
  type MigrationParameters,
  type MigrationStatus,
  noMigration,
} from '../../protocol/migration.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import { storedRanges } from '../checkpoint/checkpoint-source.ts';
import type { FinishedPass, PageCounts } from '../checkpoint/checkpointer.ts';
import { xxh64 } from '../cpr/digest.ts';
import type { MigrationStep } from '../cpr/steps.ts';
import type { MigrationChannel } from './channel.ts';
import { sendContents } from './contents.ts';
import { GuestCopy } from './guest-copy.ts';
import { encodeRun, migrationStore, type SentPages } from './guest-data.ts';
import { MigrationLink } from './link.ts';
import type { MigratingMachine } from './migrating-machine.ts';
import { isSameConfig } from './portable-config.ts';
import { Rounds } from './rounds.ts';
import { type Accepted, decodeAccepted, encodeSetup } from './setup.ts';
import { Switchover } from './switchover.ts';
import { Throttle } from './throttle.ts';

/** The machine's lock among the keepers of this browser. */
export interface OwnedLock {
  /** Only the destination takes it now. */
  release(): void;
  /** @throws HoldfastError `taken-over` */
  hold(): Promise<void>;
}

interface OutgoingOptions {
  machine: MigratingMachine;
  channel: MigrationChannel;
  parameters: MigrationParameters;
  /** The Web Lock of this worker. */
  keeperLock?: string | undefined;
  lock: OwnedLock;
  /** Called when the guest has stopped for the switchover. */
  stopped?: (() => void) | undefined;
  isRelayed?: boolean | undefined;
  /** Connections stay open here if the destination, on another host, relays them. */
  offersRelay?: boolean | undefined;
  /** Set for a destination on another host, see {@link portableConfig}. */
  siteUrl?: string | undefined;
}

/** Longest wait for the destination's word that the guest runs, ms. */
const confirmMs = 10_000;
/** Longest wait for the destination's emulator, ms. It may come over a slow network. */
const preparedMs = 120_000;
const notPrepared =
  'The destination did not get its emulator ready within two minutes. Check its connection, then migrate again.';

export class OutgoingMigration {
  readonly #machine: MigratingMachine;
  readonly #options: OutgoingOptions;
  readonly #parameters: MigrationParameters;
  readonly #throttle: Throttle;
  readonly #sent: SentPages = { duplicatePages: 0 };
  readonly #beganMs = performance.now();
  #link: MigrationLink | undefined;
  #copy: GuestCopy | undefined;
  /** The configuration that was sent. */
  #config: MachineConfig | undefined;
  #info: MigrationInfo = { ...noMigration, status: 'setup' };
  /** Set while the guest stands still. */
  #switchover: Switchover | undefined;
  #resumeCheckpoints: () => void = () => {};
  /** Pages that the first round has come to. */
  #first: PageCounts | undefined;
  #isCommitted = false;
  #isPrepared = false;
  #continued: (() => void) | undefined;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#machine = options.machine;
    this.#parameters = { ...options.parameters };
    this.#throttle = new Throttle(options.machine.execution);
  }

  get info(): MigrationInfo {
    const { status, totalMs } = this.#info;
    const isOver = ['completed', 'failed', 'cancelled'].includes(status);
    return {
      ...this.#info,
      ...(this.#first && sizesIn(this.#first, this.#info)),
      transferredBytes: this.#link?.sentBytes ?? 0,
      duplicatePages: this.#sent.duplicatePages,
      totalMs: isOver ? totalMs : performance.now() - this.#beganMs,
    };
  }

  /** The guest stands still, and what it is sent now would be lost. */
  get isSwitching(): boolean {
    return this.#switchover !== undefined;
  }

  setParameters(parameters: MigrateOptions): void {
    Object.assign(this.#parameters, parameters);
    if (this.#link) this.#link.maxBandwidth = this.#parameters.maxBandwidth;
  }

  /** @throws HoldfastError `taken-over` */
  holdAgain(): Promise<void> {
    return this.#options.lock.hold();
  }

  /** @throws HoldfastError `bad-runstate` once the destination may run the guest */
  cancel(): void {
    if (this.#isCommitted)
      throw new HoldfastError('bad-runstate', 'It is too late: the destination may run the guest.');
    this.#link?.cancel(new HoldfastError('cancelled', 'The migration was cancelled.'));
  }

  /** @throws HoldfastError `bad-runstate` for a migration that does not wait */
  continue(): void {
    if (!this.#continued)
      throw new HoldfastError('bad-runstate', 'The migration does not wait before its switchover.');
    this.#continued();
  }

  /** @throws HoldfastError; the guest runs here as before, or is known to wait in `postmigrate` */
  async run(): Promise<MigrateReport> {
    const { machine, channel, keeperLock, siteUrl } = this.#options;
    const { execution, gone } = machine;
    execution.requireLive('migrate');
    const { h64Raw: digest } = await xxh64();
    const link = new MigrationLink(channel, digest);
    this.#link = link;
    link.maxBandwidth = this.#parameters.maxBandwidth;
    const end = () => link.cancel(gone.reason);
    gone.addEventListener('abort', end, { once: true });
    try {
      const copy = new GuestCopy(machine, digest, () => this.#switchover?.ended('memoryMs'));
      this.#copy = copy;
      await refuseChangedDisks(execution.instance);
      this.#config = machine.backing.config;
      const accepted = await this.#setUp(link, () =>
        encodeSetup(
          machine,
          storedRanges(copy.source),
          { downtimeLimitMs: this.#parameters.downtimeLimitMs, ...(keeperLock && { keeperLock }) },
          digest,
          siteUrl,
        ),
      );
      const switchover = await this.#send(link, copy, digest);
      return await this.#handOver(link, accepted, switchover);
    } catch (thrown) {
      const error = asFailure(thrown);
      // Once it may run the guest, the destination is not stopped any more.
      if (!this.#isCommitted) link.cancel(error);
      this.#failed(error);
      throw error;
    } finally {
      gone.removeEventListener('abort', end);
      this.#settle();
      link.close();
    }
  }

  async #setUp(link: MigrationLink, setup: () => Uint8Array): Promise<Accepted> {
    this.#tell('setup');
    await this.#step('setup', async () => {
      link.post('setup', setup());
      await sendContents(link, this.#machine.backing.config);
    });
    const { siteUrl } = this.#options;
    return this.#step('accept', async () => {
      const accepted = decodeAccepted((await link.receive('accepted')).body);
      return siteUrl === undefined ? accepted : { ...accepted, sharesBrowser: false };
    });
  }

  /** Sends all of the guest. It stands still afterwards. */
  async #send(link: MigrationLink, copy: GuestCopy, digest: Parameters<typeof migrationStore>[1]) {
    const { machine } = this.#options;
    const { execution, durability, next } = machine;
    this.#tell('active');
    const rounds = new Rounds(link);
    rounds.begin();
    const stoppedMs = () => this.#switchover?.lengthMs ?? 0;
    const store = migrationStore(link, digest, this.#sent, stoppedMs);
    await copy.checkpointer(store).checkpoint({
      another: (pass) => this.#another(link, rounds, pass),
      looked: (pages) => {
        this.#first = pages;
      },
      settle: async () => {
        // The destination may take its time. Checkpoints continue meanwhile.
        await link.drained();
        this.#resumeCheckpoints = await durability.pause();
        await next.bounded('stop', execution.source, () => execution.instance.quiesce());
      },
      stop: () => orFail(() => this.#stop(link)),
      go: () => this.#switchover?.ended('saveMs'),
      leaves: true,
      signal: link.signal,
    });
    if (!this.#switchover) throw new HoldfastError('internal', 'The guest did not stop.');
    return this.#switchover;
  }

  async #another(link: MigrationLink, rounds: Rounds, pass: FinishedPass): Promise<boolean> {
    return this.#step('copy', async () => {
      const written = this.#copy?.writtenPages() ?? pass.found;
      const { isDone, info } = rounds.end(pass, written, this.#parameters);
      this.#throttle.set(info.throttlePercent);
      this.#tell('active', info);
      if (!isDone) return true;
      if (!this.#isPrepared) {
        // The guest runs while the destination gets its runtime ready.
        await link.receiveWithin(preparedMs, 'prepared', notPrepared);
        this.#isPrepared = true;
        await this.#copy?.rehearse();
        rounds.begin();
        return true;
      }
      if (!this.#parameters.pauseBeforeSwitchover) return false;
      await this.#waitForContinue(link);
      rounds.begin();
      return true;
    });
  }

  async #waitForContinue(link: MigrationLink): Promise<void> {
    await this.#step('pre-switchover', async () => {
      this.#tell('pre-switchover');
      link.signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        this.#continued = resolve;
        link.signal.addEventListener('abort', () => reject(link.signal.reason), { once: true });
      });
      this.#continued = undefined;
      // It waits once.
      this.#parameters.pauseBeforeSwitchover = false;
      this.#tell('active');
    });
  }

  #stop(link: MigrationLink): void {
    const { execution, around } = this.#machine;
    around?.('migrate', 'stop', 'before');
    this.#throttle.end();
    execution.hold();
    const { downtimeLimitMs } = this.#parameters;
    this.#switchover = new Switchover(downtimeLimitMs, (error) => link.cancel(error));
    // The guest stands still: nothing is gained by a limit.
    link.maxBandwidth = 0;
    this.#options.stopped?.();
    around?.('migrate', 'stop', 'after');
    this.#tell('device');
  }

  async #handOver(
    link: MigrationLink,
    accepted: Accepted,
    switchover: Switchover,
  ): Promise<MigrateReport> {
    const { execution, ownsStored, input } = this.#machine;
    await this.#step('device', () => link.drained());
    switchover.ended('sendMs');
    await this.#step('ready', () => link.receive('ready'));
    switchover.ended('loadMs');
    switchover.requireShort();
    const { isRelayed, offersRelay } = this.#options;
    const open = connectionsOf(execution.instance);
    const staysOpen = offersRelay === true && accepted.relays === true && open.length > 0;
    const cut = isRelayed || staysOpen ? [] : open;
    if (!isSameConfig(this.#config, this.#machine.backing.config)) throw changedMeanwhile();
    try {
      await this.#step('leave', async () => {
        execution.leave();
        // Within a browser, the destination has the same storage, and the machine's lock decides.
        if (!accepted.sharesBrowser) await this.#machine.durability.markMoved();
      });
      await this.#step('run', async () => {
        link.signal.throwIfAborted();
        // The mark may have taken long.
        switchover.requireShort();
        this.#options.lock.release();
        // From this line on, the destination may run the guest.
        this.#isCommitted = true;
        link.post('run', encodeRun({ ownsStored, held: input.held() }));
      });
      await this.#step('confirm', () =>
        link.receiveWithin(confirmMs, 'running', 'The destination does not answer.'),
      );
    } catch (thrown) {
      await this.#comeBackUnlessMoved(link, accepted, asFailure(thrown));
    }
    switchover.ended('runMs');
    const { lengthMs: downtimeMs, parts: downtimeParts } = switchover;
    const totalMs = performance.now() - this.#beganMs;
    this.#tell('completed', {
      downtimeMs,
      downtimeParts,
      totalMs,
      ...(cut.length > 0 && { cut }),
      ...(staysOpen && { isRelayed: true }),
    });
    return { ...this.info, downtimeMs, machineId: this.#machine.id };
  }

  /**
   * [MI9] Runs the guest here again, if it is known not to run at the destination.
   * @throws HoldfastError unless the destination has the guest
   */
  async #comeBackUnlessMoved(
    link: MigrationLink,
    { sharesBrowser }: Accepted,
    error: HoldfastError,
  ): Promise<void> {
    const { execution, gone } = this.#machine;
    // A machine that was destroyed meanwhile takes no lock again.
    if (gone.aborted || execution.runstate !== 'postmigrate') throw error;
    const isKnown = !this.#isCommitted || link.wasCancelled;
    // Within a browser the machine's lock decides: no destination runs the guest without it.
    if ((isKnown || sharesBrowser) && (await held(this.#options.lock))) {
      execution.comeBack();
      throw error;
    }
    // The destination has the lock, and did not give up: it is slow, or its computer sleeps.
    if (sharesBrowser && !link.signal.aborted) return;
    const why = link.wasCancelled
      ? 'Another keeper of this browser has taken the machine meanwhile.'
      : 'The destination has not said whether the guest runs there.';
    throw new HoldfastError(
      'migration-unconfirmed',
      `${why} It waits here, in runstate "postmigrate". Resume it only if it does not run there.`,
      { cause: error },
    );
  }

  #settle(): void {
    const { execution } = this.#machine;
    this.#switchover?.end();
    this.#throttle.end();
    this.#copy?.end();
    this.#resumeCheckpoints();
    if (this.#switchover) execution.release();
    this.#switchover = undefined;
  }

  #failed(error: HoldfastError): void {
    const { code, message } = error;
    const status = code === 'cancelled' ? 'cancelled' : 'failed';
    this.#tell(status, { totalMs: performance.now() - this.#beganMs, error: { code, message } });
  }

  #tell(status: MigrationStatus, changed: Partial<MigrationInfo> = {}): void {
    this.#info = { ...this.#info, ...changed, status };
    this.#machine.view.emit({ type: 'migration', info: this.info });
  }

  async #step<T>(step: MigrationStep, action: () => Promise<T>): Promise<T> {
    const { around } = this.#machine;
    try {
      around?.('migrate', step, 'before');
      const result = await action();
      around?.('migrate', step, 'after');
      return result;
    } catch (thrown) {
      throw asFailure(thrown);
    }
  }
}

/** @throws HoldfastError `blocked` for a disk whose base is another by now */
async function refuseChangedDisks(instance: RuntimeInstance): Promise<void> {
  await instance.commands.checkDisks?.();
  const changed =
    instance.blockers?.('restart').filter(({ code }) => code === 'disk-changed') ?? [];
  const sentences = changed.map(({ message }) => message);
  if (sentences.length > 0)
    throw new HoldfastError('blocked', `The guest cannot move: ${sentences.join(' ')}`);
}

/** The far ends of TCP connections are in this worker. */
const connectionsOf = (instance: RuntimeInstance): Blocker[] =>
  instance.blockers?.('reboot').filter(({ code }) => code === 'network-cannot-follow') ?? [];

/** As in QEMU, all of the memory remains to be sent when the first round begins. */
const sizesIn = ({ done, all }: PageCounts, { rounds, remainingBytes }: MigrationInfo) => ({
  totalBytes: all * pageBytes,
  remainingBytes: rounds === 0 ? (all - done) * pageBytes : remainingBytes,
});

const held = (lock: OwnedLock): Promise<boolean> =>
  lock.hold().then(
    () => true,
    () => false,
  );

const changedMeanwhile = () =>
  new HoldfastError(
    'migration-failed',
    'The configuration or a medium of the guest changed while it was sent. It runs on here; migrate again.',
  );

/** Otherwise the checkpointer would name errors after checkpoints. */
function orFail(action: () => void): void {
  try {
    action();
  } catch (thrown) {
    throw asFailure(thrown);
  }
}

const asFailure = (thrown: unknown): HoldfastError =>
  HoldfastError.from(adoptHoldfastError(thrown), 'migration-failed', 'The migration failed');
