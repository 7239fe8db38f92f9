/**
 * Limits the pictures in transit to all pages together. Each page gets a copy of each picture, and
 * one of 2560 x 1600 takes 16 MiB. If there is no room for all, pages take turns.
 */

/**
 * Below this size one more picture is sent. So at most this size and one picture are in transit.
 */
const windowBytes = 32 * 1024 * 1024;
/**
 * A page that is silent for this long does not hold up others. Its messages have left the keeper's
 * process by then, and it gets no more until it answers.
 */
const longestMs = 1_000;

interface Holder {
  bytes: number;
  /** Time at which it got the first picture that it has not taken yet, or took another one. */
  receivedAt: number;
}

export class PicturesOnWay {
  readonly #holders = new Map<object, Holder>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get hasRoom(): boolean {
    return this.msToRoom === 0;
  }

  /** Time until there is room even if no page answers. */
  get msToRoom(): number {
    const now = this.#now();
    let bytes = 0;
    let leftMs = longestMs;
    for (const holder of this.#holders.values()) {
      const holdsMs = holder.receivedAt + longestMs - now;
      if (holdsMs <= 0) continue;
      bytes += holder.bytes;
      leftMs = Math.min(leftMs, holdsMs);
    }
    return bytes < windowBytes ? 0 : leftMs;
  }

  sent(page: object, bytes: number): void {
    const holder = this.#holders.get(page);
    if (holder) holder.bytes += bytes;
    else this.#holders.set(page, { bytes, receivedAt: this.#now() });
  }

  took(page: object, bytes: number): void {
    const holder = this.#holders.get(page);
    if (!holder) return;
    holder.bytes -= bytes;
    holder.receivedAt = this.#now();
    if (holder.bytes <= 0) this.#holders.delete(page);
  }

  /** The page is gone. */
  drop(page: object): void {
    this.#holders.delete(page);
  }
}
