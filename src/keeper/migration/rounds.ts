/** The rounds of a migration over memory: what they took, and whether another one follows. */
import type { MigrationInfo, MigrationParameters } from '../../protocol/migration.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { FinishedPass } from '../checkpoint/checkpointer.ts';
import { Convergence } from './convergence.ts';
import type { MigrationLink } from './link.ts';

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
  readonly #link: Pick<MigrationLink, 'sentBytes' | 'waitedMs'>;
  #begun = { atMs: 0, sentBytes: 0, waitedMs: 0 };
  #bandwidth = 0;

  constructor(link: Pick<MigrationLink, 'sentBytes' | 'waitedMs'>) {
    this.#link = link;
  }

  /** A round begins now. */
  begin(): void {
    const { sentBytes, waitedMs } = this.#link;
    this.#begun = { atMs: performance.now(), sentBytes, waitedMs };
  }

  /**
   * Ends a round, and begins the next one.
   * @throws HoldfastError `migration-failed` for a guest that writes faster than it can be sent
   */
  end(
    { passes, found, busyMs }: FinishedPass,
    writtenPages: number,
    parameters: MigrationParameters,
  ): { isDone: boolean; info: RoundInfo } {
    const tookMs = Math.max(performance.now() - this.#begun.atMs, 1);
    const sentBytes = this.#link.sentBytes - this.#begun.sentBytes;
    // The guest's own slices in between do not count: it stands still later.
    const workMs = busyMs + this.#link.waitedMs - this.#begun.waitedMs;
    if (sentBytes >= leastMeasuredBytes) this.#bandwidth = (sentBytes / tookMs) * 1000;
    this.begin();
    const round = { writtenPages, sentPages: found, workMs };
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
