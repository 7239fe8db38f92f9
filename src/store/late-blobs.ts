/**
 * Whether the browser fetches the bytes of Blobs late. Chromium fetches them by threads that also
 * compile the guest's code. On a busy computer that took up to 13 s, see docs/spec/storage.md [F10].
 */
import { leastBlobBytes } from './transferred.ts';

/** A write of Blobs that takes longer shows it. */
const lateMs = 1000;
/** A Blob that arrives within this time shows the opposite. */
const promptMs = 200;
/** Time until the next look. It doubles as long as Blobs are late. */
const again = { firstMs: 5000, longestMs: 60_000 } as const;

interface Environment {
  nowMs(): number;
  /** Resolves when the browser has the bytes of a Blob that is stored nowhere. */
  sendBlob(): Promise<unknown>;
}

const inBrowser: Environment = {
  nowMs: () => performance.now(),
  sendBlob: () => new Blob([new Uint8Array(leastBlobBytes)]).slice(0, 1).arrayBuffer(),
};

export class LateBlobs {
  readonly #environment: Environment;
  #areLate = false;
  #isLooking = false;
  #waitMs: number = again.firstMs;
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(environment = inBrowser) {
    this.#environment = environment;
  }

  /** A call some time after a late write sends a Blob. Later calls know whether that was late. */
  get areLate(): boolean {
    if (this.#areLate && this.#passedMs >= this.#waitMs && !this.#isLooking) void this.#look();
    return this.#areLate;
  }

  /** @param durationMs of a write of Blobs */
  wrote(durationMs: number): void {
    if (durationMs <= lateMs || this.#areLate) return;
    // Late again soon after a look that found them prompt: the looks become rarer.
    if (this.#passedMs >= again.longestMs) this.#waitMs = again.firstMs;
    else this.#wait();
    this.#areLate = true;
    this.#sinceMs = this.#environment.nowMs();
  }

  get #passedMs(): number {
    return this.#environment.nowMs() - this.#sinceMs;
  }

  #wait(): void {
    this.#waitMs = Math.min(2 * this.#waitMs, again.longestMs);
  }

  async #look(): Promise<void> {
    const { nowMs, sendBlob } = this.#environment;
    const beganMs = nowMs();
    this.#isLooking = true;
    const wasSent = await sendBlob().then(
      () => true,
      () => false,
    );
    this.#isLooking = false;
    this.#sinceMs = nowMs();
    this.#areLate = !wasSent || this.#sinceMs - beganMs > promptMs;
    if (this.#areLate) this.#wait();
  }
}
