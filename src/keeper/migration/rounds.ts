/** The rounds of a migration over memory: what they took, and whether another one follows. */
import type { MigrationInfo, MigrationParameters } from '../../protocol/migration.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { FinishedPass } from '../checkpoint/checkpointer.ts';
import { Convergence } from './convergence.ts';

/** Fewer bytes say nothing about the channel. */
const leastMeasuredBytes = 256 * 1024;

type RoundInfo = Pick<
  MigrationInfo,
  | 'rounds'
  | 'remainingBytes'
  | 'dirtyPagesRate'
  | 'bandwidth'
  | 'expectedDowntimeMs'
  | 'throttlePercent'
>;

export class Rounds {
  readonly #convergence = new Convergence();
  readonly #sentBytes: () => number;
  #begun = { atMs: 0, sentBytes: 0 };
  #bandwidth = 0;

  /** @param sentBytes returns how many bytes were sent so far */
  constructor(sentBytes: () => number) {
    this.#sentBytes = sentBytes;
  }

  /** A round begins now. */
  begin(): void {
    this.#begun = { atMs: performance.now(), sentBytes: this.#sentBytes() };
  }

  /**
   * Ends a round, and begins the next one.
   * @throws HoldfastError `migration-failed` for a guest that writes faster than it can be sent
   */
  end(
    { passes, found }: FinishedPass,
    writtenPages: number,
    parameters: MigrationParameters,
  ): { isDone: boolean; info: RoundInfo } {
    const tookMs = Math.max(performance.now() - this.#begun.atMs, 1);
    const sentBytes = this.#sentBytes() - this.#begun.sentBytes;
    if (sentBytes >= leastMeasuredBytes) this.#bandwidth = (sentBytes / tookMs) * 1000;
    this.begin();
    const round = { writtenPages, sentPages: found, tookMs };
    const { isDone, ...expected } = this.#convergence.after(round, parameters);
    const info = {
      ...expected,
      rounds: passes,
      remainingBytes: writtenPages * pageBytes,
      dirtyPagesRate: Math.round((writtenPages / tookMs) * 1000),
      bandwidth: Math.round(this.#bandwidth),
    };
    return { isDone, info };
  }
}
