/** Keeps a machine in storage as it goes on: checkpoints by themselves, and when asked for. */

import { HoldfastError } from '../../errors.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { CheckpointInfo, Durability } from '../../protocol/stored.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import { Checkpointer, type CheckpointReport } from '../checkpoint/checkpointer.ts';
import { writtenPages } from '../checkpoint/written-pages.ts';
import { type BoundedStore, openBounded } from '../cpr/bounded-store.ts';
import type { StoredSource } from '../cpr/bring-back.ts';
import { xxh64 } from '../cpr/digest.ts';
import { checkpointSource } from '../cpr/guest-checkpoint-source.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import { composeVmstate, sectionsOf } from '../cpr/sections.ts';
import { detailsOf } from '../cpr/stored-details.ts';
import { Pace } from './pace.ts';

/** Between two looks at how much the guest has written. */
const lookAgainMs = 250;

interface DurableOptions {
  machine: GuestParts;
  /** Of a machine that was resumed: only what changed since is written. */
  origin?: StoredSource | undefined;
  /** The state of {@link Durable.status} changed. */
  changed(): void;
}

export class Durable {
  readonly #machine: GuestParts;
  readonly #changed: () => void;
  #origin: StoredSource | undefined;
  readonly #pace = new Pace();
  #checkpointer: Promise<Checkpointer> | undefined;
  /** Where that writes to. */
  #store: BoundedStore | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #underWay: Promise<unknown> | undefined;
  /** One that holds what the guest does until now is to be taken without delay. */
  #isDue = false;
  #on = false;
  /** Of a checkpointer that knows of nothing that is in storage. */
  #isFirst = true;
  #ended = false;
  /** What the guest had executed at the last checkpoint, and whether it ran then. */
  #savedAt: string | undefined;
  #last: { takenAtMs: number; pauseMs?: number; writtenBytes?: number } | undefined;
  #error: HoldfastError | undefined;

  constructor({ machine, origin, changed }: DurableOptions) {
    this.#machine = machine;
    this.#origin = origin;
    this.#changed = changed;
    if (origin) {
      this.#last = { takenAtMs: origin.cut.takenAtMs };
      machine.ownsStored = true;
    }
  }

  get status(): Durability {
    const last = this.#last;
    if (this.#error) {
      const { code, message } = this.#error;
      return { state: 'failing', ...last, error: { code, message } };
    }
    if (!this.#on) return { state: 'off', ...last };
    return last ? { state: 'saved', ...last } : { state: 'none' };
  }

  /**
   * Takes checkpoints by itself from now on, or no more. The first one comes at once, but of a guest
   * that has just come from storage.
   * @param isNew the guest and its page have just begun: to write all of it now would hold both up
   */
  set(on: boolean, { isNew = false } = {}): void {
    if (this.#on === on) return;
    this.#on = on;
    this.#isDue = false;
    clearTimeout(this.#timer);
    if (on && this.#origin) this.#later();
    else if (on && isNew) this.#later(this.#pace.firstDelayMs);
    else if (on) this.requestCheckpoint();
    else this.#error = undefined;
    this.#changed();
  }

  /** A good moment: the runstate has changed, the pages cannot be seen any more, or the guest is about to be handed over. */
  requestCheckpoint(): void {
    if (!this.#on || this.#ended) return;
    this.#isDue = true;
    this.#later();
  }

  /**
   * A checkpoint that holds all that the guest did before the call.
   * @param urgent at once, without copying first while the guest runs
   * @throws HoldfastError of the store, or `bad-runstate` while there is no guest that could be saved
   */
  async checkpoint({ urgent = false } = {}): Promise<CheckpointInfo> {
    // One that is under way may have made its cut already.
    while (this.#underWay) await this.#underWay.catch(() => {});
    if (!urgent) this.#store?.tryAgain();
    return this.#take(urgent);
  }

  /**
   * Lets `action` have the machine's storage for itself. What was written here before is then not to
   * be relied on.
   */
  async withStorageReleased<T>(action: () => Promise<T>): Promise<T> {
    while (this.#underWay) await this.#underWay.catch(() => {});
    clearTimeout(this.#timer);
    const aside = action();
    this.#underWay = aside;
    try {
      return await aside;
    } finally {
      this.#underWay = undefined;
      this.#checkpointer = undefined;
      this.#origin = undefined;
      this.requestCheckpoint();
    }
  }

  /** No checkpoint after this. One that is under way is given up. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async #byItself(): Promise<void> {
    // One that is under way may have made its cut already.
    while (this.#underWay) await this.#underWay.catch(() => {});
    this.#isDue = false;
    if (!this.#ended && this.#hasNews()) await this.#take(false).catch(() => {});
    if (!this.#on || this.#ended || this.#error?.code === 'taken-over') return;
    this.#later();
  }

  #later(delayMs = this.#pace.delayMs): void {
    clearTimeout(this.#timer);
    // One that is due and waits in line must not be put off by the end of the one before it.
    const waitMs = this.#isDue ? 0 : delayMs;
    const { lookMs } = this.#pace;
    const beganMs = performance.now();
    this.#timer =
      waitMs > lookMs
        ? setTimeout(() => this.#look(beganMs), lookMs)
        : setTimeout(() => void this.#byItself(), waitMs);
  }

  /** A guest that has begun to write much needs more time to be stored. */
  #look(beganMs: number): void {
    const { execution, backing } = this.#machine;
    const writes = this.#isLive() ? execution.instance.writes : undefined;
    const pages = writes ? writtenPages(writes, backing.memory) : 0;
    const restMs = this.#pace.delayFor(pages) - (performance.now() - beganMs);
    this.#timer =
      restMs > lookAgainMs
        ? setTimeout(() => this.#look(beganMs), lookAgainMs)
        : setTimeout(() => void this.#byItself(), restMs);
  }

  /** A guest that has stood still since the last checkpoint is in storage as it is. */
  #hasNews(): boolean {
    return this.#isLive() && this.#position() !== this.#savedAt;
  }

  #isLive(): boolean {
    return ['running', 'paused', 'suspended'].includes(this.#machine.execution.runstate);
  }

  #position(): string {
    const { runstate, activeRuntime: charge } = this.#machine.execution;
    return `${runstate} ${charge?.instance.instructionCounter()}`;
  }

  #take(urgent: boolean): Promise<CheckpointReport> {
    const taking = this.#attempt(urgent);
    this.#underWay = taking;
    const settled = () => {
      this.#underWay = undefined;
    };
    taking.then(settled, settled);
    return taking;
  }

  async #attempt(urgent: boolean): Promise<CheckpointReport> {
    try {
      const report = await this.#write(urgent).catch((thrown) => {
        if (!(thrown instanceof HoldfastError) || thrown.code !== 'not-found') throw thrown;
        // Deleted under us, as when this site's data is cleared: all of the guest is written anew.
        this.#checkpointer = undefined;
        return this.#write(urgent);
      });
      this.#succeeded(report);
      return report;
    } catch (thrown) {
      const error = HoldfastError.from(
        adoptHoldfastError(thrown),
        'internal',
        'The checkpoint failed',
      );
      this.#failed(error);
      throw error;
    }
  }

  async #write(urgent: boolean): Promise<CheckpointReport> {
    const { execution, backing, gone } = this.#machine;
    execution.savedState();
    const checkpointer = await this.#open();
    return checkpointer.checkpoint({
      settle: () => execution.instance.quiesce(),
      stop: () => {
        execution.hold();
        this.#savedAt = this.#position();
      },
      go: () => execution.release(),
      signal: gone,
      urgent,
      details: detailsOf(backing.config, execution.source),
    });
  }

  #succeeded(report: CheckpointReport): void {
    const { takenAtMs, pauseMs, writtenBytes, durationMs, dirtyBytes, busyMs } = report;
    // The first one writes everything, and says nothing about those that follow.
    if (this.#isFirst) this.#pace.began();
    else {
      // By the computer's clock, which somebody may set.
      const sinceCutMs = Math.min(Math.max(Date.now() - takenAtMs, 0), durationMs);
      this.#pace.succeeded({ busyMs, durationMs, sinceCutMs, pages: dirtyBytes / pageBytes });
    }
    this.#isFirst = false;
    this.#last = { takenAtMs, pauseMs, writtenBytes };
    const hadFailed = this.#error !== undefined;
    this.#error = undefined;
    if (hadFailed) console.info('Checkpoints work again.');
    this.#changed();
  }

  #failed(error: HoldfastError): void {
    this.#savedAt = undefined;
    // Of no interest: there is no guest any more, or none that could be saved at this moment.
    if (this.#ended || error.code === 'bad-runstate' || error.code === 'no-machine') return;
    this.#pace.failed();
    this.#error = error;
    // What was open may be closed, and what was written may be gone.
    const isWhole = error.code === 'taken-over' || error.code === 'storage-reserved';
    if (!isWhole) this.#checkpointer = undefined;
    this.#changed();
  }

  #open() {
    this.#checkpointer ??= this.#openAnew();
    this.#checkpointer.catch(() => {
      this.#checkpointer = undefined;
    });
    return this.#checkpointer;
  }

  async #openAnew() {
    const machine = this.#machine;
    const { execution } = machine;
    const { h64Raw: digest } = await xxh64();
    // Good for one checkpointer: the next one does not know what this one wrote.
    const resumed = this.#origin;
    this.#origin = undefined;
    const store = await openBounded(machine, resumed?.store);
    this.#store = store;
    this.#isFirst = resumed === undefined;
    const save = () => {
      const own = sectionsOf(machine, 'reboot', execution.savedState());
      return composeVmstate(execution.instance.save(), own, digest);
    };
    const source = checkpointSource(machine, digest, save);
    return new Checkpointer({ source, store, resumed: resumed?.cut });
  }
}
