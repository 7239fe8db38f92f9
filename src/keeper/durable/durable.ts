/** Stores a running machine: checkpoints automatically and on request. */

import { HoldfastError } from '../../errors.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { CheckpointInfo, Durability } from '../../protocol/stored.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import { Checkpointer, type CheckpointReport } from '../checkpoint/checkpointer.ts';
import { writtenPages } from '../checkpoint/written-pages.ts';
import { type BoundedStore, openBounded } from '../cpr/bounded-store.ts';
import { xxh64 } from '../cpr/digest.ts';
import { checkpointSource } from '../cpr/guest-checkpoint-source.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import type { StoredSource } from '../cpr/restore-guest.ts';
import { composeVmstate, sectionsOf } from '../cpr/sections.ts';
import { detailsOf } from '../cpr/stored-details.ts';
import { Pace } from './pace.ts';

/** Interval between two reads of the number of written pages. */
const lookAgainMs = 250;

interface DurableOptions {
  machine: GuestParts;
  /** Where the machine was resumed from: only what changed since is written. */
  origin?: StoredSource | undefined;
  /** Called when {@link Durable.status} has changed. */
  changed(): void;
}

export class Durable {
  readonly #machine: GuestParts;
  readonly #changed: () => void;
  #origin: StoredSource | undefined;
  readonly #pace = new Pace();
  #checkpointer: Promise<Checkpointer> | undefined;
  /** The store that the checkpointer writes to. */
  #store: BoundedStore | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #underWay: Promise<unknown> | undefined;
  /** True if a checkpoint of the present state must follow without delay. */
  #isDue = false;
  #on = false;
  /** True for a checkpointer that has no data about the storage's contents. */
  #isFirst = true;
  #ended = false;
  /** The guest's instruction counter and runstate at the last checkpoint. */
  #savedAt: string | undefined;
  #last: { takenAtMs: number; pauseMs?: number; writtenBytes?: number } | undefined;
  /** Number of cuts that were begun. */
  #cuts = 0;
  /** Absent until a checkpoint was stored here. */
  #lastStored: { cut: number; report: CheckpointReport } | undefined;
  #error: HoldfastError | undefined;

  constructor({ machine, origin, changed }: DurableOptions) {
    this.#machine = machine;
    this.#origin = origin;
    this.#changed = changed;
    if (origin) {
      this.#last = { takenAtMs: origin.checkpoint.takenAtMs };
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
   * Enables or disables automatic checkpoints. The first one follows at once, except for a guest
   * that was just restored from storage.
   * @param isNew true for a guest and page that have just started: writing everything now would
   * delay both
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

  /**
   * Requests a checkpoint at a suitable moment: the runstate has changed, no page is visible any
   * more, or a hand-over is about to begin.
   */
  requestCheckpoint(): void {
    if (!this.#on || this.#ended) return;
    this.#isDue = true;
    this.#later();
  }

  /**
   * Takes a checkpoint that holds everything up to the call.
   * @param urgent at once, without copies while the guest runs
   * @throws HoldfastError of the store, or `bad-runstate` if no guest can be saved now
   */
  async checkpoint({ urgent = false } = {}): Promise<CheckpointInfo> {
    if (urgent) return this.#takeLast();
    // A checkpoint in progress may have taken its cut already.
    while (this.#underWay) await this.#underWay.catch(() => {});
    this.#store?.tryAgain();
    return this.#take(false);
  }

  /**
   * Takes the checkpoint before the worker ends. The guest stops at once: what it did after the cut
   * would be lost, and its work delays the writes. The second copies can wait, the page cannot.
   */
  async #takeLast(): Promise<CheckpointInfo> {
    const { execution } = this.#machine;
    execution.hold();
    const cuts = this.#cuts;
    this.#store?.postponeCopies(true);
    try {
      while (this.#underWay) await this.#underWay.catch(() => {});
      // A checkpoint that was in progress holds all of it if its cut came after the stop.
      const last = this.#lastStored;
      return last && last.cut > cuts ? last.report : await this.#take(true);
    } finally {
      this.#store?.postponeCopies(false);
      execution.release();
    }
  }

  /**
   * Gives `action` exclusive use of the machine's storage. Earlier data about it is then invalid.
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

  /**
   * Waits for the checkpoint in progress and takes no other one until the returned function is
   * called.
   */
  async pause(): Promise<() => void> {
    while (this.#underWay) await this.#underWay.catch(() => {});
    clearTimeout(this.#timer);
    let done = () => {};
    this.#underWay = new Promise<void>((resolve) => {
      done = resolve;
    });
    return () => {
      this.#underWay = undefined;
      done();
      if (this.#on && !this.#ended) this.#later();
    };
  }

  /**
   * Marks the stored guest as handed over, so that a later start does not give it a second life. The
   * next checkpoint removes the mark.
   */
  async markMoved(): Promise<void> {
    const { backing, execution, ownsStored } = this.#machine;
    // Another keeper of this browser may have stored it before it came here.
    if (!this.#last && !ownsStored) return;
    const store = this.#store ?? (await openBounded(this.#machine, this.#origin?.store));
    const [newest] = await store.generations();
    if (!newest) return;
    const { takenAtMs, manifest, records } = newest;
    const details = { ...detailsOf(backing.config, execution.source), movedAtMs: Date.now() };
    await store.publish({ takenAtMs, manifest, records, details });
    // Its data about the generations is old now.
    this.#checkpointer = undefined;
    this.#origin = undefined;
  }

  /** Ends checkpoints and abandons one that is in progress. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async #byItself(): Promise<void> {
    // A checkpoint in progress may have taken its cut already.
    while (this.#underWay) await this.#underWay.catch(() => {});
    this.#isDue = false;
    if (!this.#ended && this.#hasNews()) await this.#take(false).catch(() => {});
    if (!this.#on || this.#ended || this.#error?.code === 'taken-over') return;
    this.#later();
  }

  #later(delayMs = this.#pace.delayMs): void {
    clearTimeout(this.#timer);
    // The end of the previous checkpoint must not delay a requested one.
    const waitMs = this.#isDue ? 0 : delayMs;
    const { lookMs } = this.#pace;
    const beganMs = performance.now();
    this.#timer =
      waitMs > lookMs
        ? setTimeout(() => this.#look(beganMs), lookMs)
        : setTimeout(() => void this.#byItself(), waitMs);
  }

  /** Takes the checkpoint earlier if the guest has written much, since it takes longer to store. */
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

  /**
   * Returns false for a guest that was stopped since the last checkpoint: storage has its present
   * state.
   */
  #hasNews(): boolean {
    return this.#isLive() && this.#position() !== this.#savedAt;
  }

  #isLive(): boolean {
    return ['running', 'paused', 'suspended'].includes(this.#machine.execution.runstate);
  }

  #position(): string {
    const { runstate, activeRuntime } = this.#machine.execution;
    return `${runstate} ${activeRuntime?.instance.instructionCounter()}`;
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
        // The data was deleted in between, for example by clearing the site's data: the whole guest
        // is written again.
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
    if (urgent) this.#store?.postponeCopies(true);
    return checkpointer.checkpoint({
      settle: () => execution.instance.quiesce(),
      stop: () => {
        const position = this.#position();
        execution.hold();
        this.#savedAt = position;
        this.#cuts++;
      },
      go: () => execution.release(),
      signal: gone,
      urgent,
      details: detailsOf(backing.config, execution.source),
    });
  }

  #succeeded(report: CheckpointReport): void {
    const { takenAtMs, pauseMs, writtenBytes, durationMs, dirtyBytes, busyMs } = report;
    // The first checkpoint writes everything, so its cost does not predict later ones.
    if (this.#isFirst) this.#pace.began();
    else {
      // The computer's clock may be changed.
      const sinceCutMs = Math.min(Math.max(Date.now() - takenAtMs, 0), durationMs);
      this.#pace.succeeded({ busyMs, durationMs, sinceCutMs, pages: dirtyBytes / pageBytes });
    }
    this.#isFirst = false;
    this.#lastStored = { cut: this.#cuts, report };
    this.#last = { takenAtMs, pauseMs, writtenBytes };
    const hadFailed = this.#error !== undefined;
    this.#error = undefined;
    if (hadFailed) console.info('Checkpoints work again.');
    this.#changed();
  }

  #failed(error: HoldfastError): void {
    this.#savedAt = undefined;
    // Not an error: there is no guest any more, or it cannot be saved at this moment.
    if (this.#ended || error.code === 'bad-runstate' || error.code === 'no-machine') return;
    this.#pace.failed();
    this.#error = error;
    // The store may be closed, and written data may be gone.
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
    // Valid for one checkpointer: the next one does not know what this one wrote.
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
    return new Checkpointer({ source, store, resumed: resumed?.checkpoint });
  }
}
