/** The time for which a guest runs nowhere: its limit, and what it is spent on. */
import { HoldfastError } from '../../errors.ts';
import type { DowntimePart, DowntimeParts } from '../../protocol/migration.ts';

export class Switchover {
  readonly #limitMs: number;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #beganMs = performance.now();
  readonly #parts: DowntimeParts = { memoryMs: 0, saveMs: 0, sendMs: 0, loadMs: 0, runMs: 0 };
  #partBeganMs = this.#beganMs;

  /**
   * The guest stands still from now on.
   * @param tooLong called when it stands still for longer than the limit
   */
  constructor(limitMs: number, tooLong: (error: HoldfastError) => void) {
    this.#limitMs = limitMs;
    this.#timer = setTimeout(() => tooLong(this.#tooLong()), limitMs);
  }

  get lengthMs(): number {
    return performance.now() - this.#beganMs;
  }

  get parts(): DowntimeParts {
    return { ...this.#parts };
  }

  /** This part has ended, and the next one begins. */
  ended(part: DowntimePart): void {
    const nowMs = performance.now();
    this.#parts[part] += nowMs - this.#partBeganMs;
    this.#partBeganMs = nowMs;
  }

  /** [MI12] @throws HoldfastError `migration-failed`, since timers are late under load */
  requireShort(): void {
    clearTimeout(this.#timer);
    if (this.lengthMs > this.#limitMs) throw this.#tooLong();
  }

  /** The guest runs, or is known to run nowhere. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #tooLong(): HoldfastError {
    return new HoldfastError(
      'migration-failed',
      `The switchover takes longer than the downtime limit of ${this.#limitMs} ms. The guest runs on here; raise the limit, or migrate again.`,
    );
  }
}
