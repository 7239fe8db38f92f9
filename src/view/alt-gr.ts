/** AltGr as Windows sends it: a left Ctrl that was not pressed, and at once the right Alt. No DOM. */

/** Longest wait for the right Alt, which comes in the same moment. */
const waitMs = 50;
/** Times of one moment, as coarse as browsers make them. */
const sameMomentMs = 2;

/** Members that are read of a keydown event. */
interface KeyDown {
  code: string;
  timeStamp: number;
}

/** Holds a left Ctrl back until it is known whether it is one. */
export class AltGrFilter {
  readonly #press: (code: string) => void;
  #waiting: { atMs: number; timer: ReturnType<typeof setTimeout> } | undefined;
  /** When a Ctrl went to the guest because nothing came in time. */
  #sentAtMs: number | undefined;

  /** @param press a Ctrl that was held back is one after all */
  constructor(press: (code: string) => void) {
    this.#press = press;
  }

  /** @returns whether nothing is to be done about this key now */
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

  /** Whether this is an AltGr whose Ctrl has gone to the guest: a busy page heard of it late. */
  wasSentFor({ code, timeStamp }: KeyDown): boolean {
    const sentAtMs = this.#sentAtMs;
    this.#sentAtMs = undefined;
    return code === 'AltRight' && sentAtMs !== undefined && isSameMoment(sentAtMs, timeStamp);
  }

  /** Another key: the Ctrl before it was one. */
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
