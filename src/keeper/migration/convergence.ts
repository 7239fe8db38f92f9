/** Decides, after each round over memory, whether the guest can stop, and slows it down where it cannot. */
import { HoldfastError } from '../../errors.ts';
import type { MigrationParameters } from '../../protocol/migration.ts';

/** Time that both ends need for everything but memory, ms. */
const fixedMs = 15;
/** Few enough pages that another round gains nothing. The first MiB always counts as written. */
const fewPages = 512;
/** Fewer pages say nothing about the channel. */
const leastPages = 128;
/** A round that leaves more than this share of the previous one gains nothing. */
const uselessShare = 0.7;
/** A pause that is short enough for another round to gain nothing, ms. */
const shortMs = 30;
/** Rounds without gain that are tried for the sake of a shorter pause. */
const mostPatient = 3;
/** Rounds without gain that are tried before the migration is given up. */
const mostUseless = 12;
/** QEMU's defaults of `cpu-throttle-initial` and `cpu-throttle-increment`, and its most, percent. */
const throttle = { first: 20, step: 10, most: 99 } as const;

export interface Round {
  /** Pages that the guest has written since the round began. */
  writtenPages: number;
  /** Pages that the round sent. Those that one word fills take time, but hardly any bytes. */
  sentPages: number;
  /** Time that the round would take alone: of work, and of waiting for the channel. */
  workMs: number;
}

export interface Decision {
  isDone: boolean;
  expectedDowntimeMs: number;
  throttlePercent: number;
}

export class Convergence {
  #before = Number.POSITIVE_INFINITY;
  /** Time that a page takes, ms, as last measured. Within a browser it is some 20 µs. */
  #pageMs = 0.02;
  #useless = 0;
  #patience = mostPatient;
  #throttlePercent = 0;

  /** @throws HoldfastError `migration-failed` for a guest that writes faster than it can be sent */
  after(
    { writtenPages, sentPages, workMs }: Round,
    { downtimeLimitMs, autoConverge }: MigrationParameters,
  ): Decision {
    const pageMs = workMs / sentPages;
    // A few pages say little about the channel, but that it was faster than thought.
    if (sentPages > fewPages || (sentPages >= leastPages && pageMs < this.#pageMs))
      this.#pageMs = pageMs;
    const expectedDowntimeMs = fixedMs + writtenPages * this.#pageMs;
    const fits = expectedDowntimeMs <= downtimeLimitMs;
    const isUseless = writtenPages > this.#before * uselessShare;
    this.#before = writtenPages;
    const isShort = expectedDowntimeMs <= shortMs;
    const isEnough = isUseless && fits && (isShort || this.#patience-- <= 0);
    const isDone = fits && (writtenPages <= fewPages || isEnough);
    if (!fits && isUseless) this.#slowDown(autoConverge);
    return { isDone, expectedDowntimeMs, throttlePercent: this.#throttlePercent };
  }

  #slowDown(autoConverge: boolean): void {
    const isSlowest = !autoConverge || this.#throttlePercent >= throttle.most;
    if (isSlowest && ++this.#useless > mostUseless)
      throw new HoldfastError(
        'migration-failed',
        'The guest writes faster than the channel carries: it would stand still for longer than the limit allows. Raise downtime-limit, or let auto-converge slow it down.',
      );
    if (!autoConverge) return;
    const next =
      this.#throttlePercent === 0 ? throttle.first : this.#throttlePercent + throttle.step;
    this.#throttlePercent = Math.min(next, throttle.most);
  }
}
