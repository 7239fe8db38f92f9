/** AltGr as Windows sends it: a left Ctrl that was not pressed, and at once the right Alt. No DOM. */

/** Longest wait for the right Alt, which normally arrives at the same moment. */
const waitMs = 50;
/** Largest difference between two event times of one moment, because browsers coarsen them. */
const sameMomentMs = 2;

/** Members of a keydown event that are used. */
interface KeyDown {
  code: string;
  timeStamp: number;
}

/** Holds a left Ctrl back until the next event shows if it is a real one. */
export class AltGrFilter {
  readonly #press: (code: string) => void;
  #waiting: { atMs: number; timer: ReturnType<typeof setTimeout> } | undefined;
  /** Time of a Ctrl that was sent to the guest because the right Alt did not arrive in time. */
  #sentAtMs: number | undefined;

  /** @param press sends a Ctrl that was held back and turned out to be real */
  constructor(press: (code: string) => void) {
    this.#press = press;
  }

  /** @returns true if the caller must not handle this key now */
  holdsBack({ code, timeStamp }: KeyDown): boolean {
    if (code === 'AltRight' && this.#waiting && isSameMoment(this.#waiting.atMs, timeStamp)) {
      this.drop();
      return false;
    }
    this.flush();
    if (code !== 'ControlLeft') return false;
    const timer = setTimeout(() => {
      this.flush();
      this.#sentAtMs = timeStamp;
    }, waitMs);
    this.#waiting = { atMs: timeStamp, timer };
    return true;
  }

  /**
   * Whether this is an AltGr whose Ctrl was already sent to the guest. A busy page receives the event
   * late.
   */
  wasSentFor({ code, timeStamp }: KeyDown): boolean {
    const sentAtMs = this.#sentAtMs;
    this.#sentAtMs = undefined;
    return code === 'AltRight' && sentAtMs !== undefined && isSameMoment(sentAtMs, timeStamp);
  }

  /** Sends the Ctrl that was held back, if any: it was real. */
  flush(): void {
    if (!this.#waiting) return;
    this.drop();
    this.#press('ControlLeft');
  }

  drop(): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting = undefined;
  }
}

const isSameMoment = (a: number, b: number) => Math.abs(a - b) <= sameMomentMs;
