/** Longest waits of a guest for a server before its connection is reset, ms. */
export interface NetworkPatience {
  /** For the head of an answer, as in Firefox. */
  answerMs: number;
  /**
   * For the next bytes, after the guest has ended its side: few such guests want more, and most are
   * gone.
   */
  endedMs: number;
  /** Until the guest has taken the data that arrived before an answer broke off. */
  takenMs: number;
}

export const usualPatience: NetworkPatience = { answerMs: 300_000, endedMs: 15_000, takenMs: 500 };

/** A request of the guest and the server's answer, from the request to the end of the answer. */
export class Exchange {
  readonly #abort = new AbortController();
  readonly #patience: NetworkPatience;
  readonly #giveUp: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasGuestEnded = false;

  /** @param giveUp called when the server has been silent for too long */
  constructor(patience: NetworkPatience, giveUp: () => void) {
    this.#patience = patience;
    this.#giveUp = giveUp;
    this.#wait(patience.answerMs);
  }

  /** Aborts the server's work for a guest that is gone. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  #wait(limitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#giveUp, limitMs);
  }

  /** Records that data has arrived from the server. */
  received(): void {
    if (this.#hasGuestEnded) this.#wait(this.#patience.endedMs);
    else clearTimeout(this.#timer);
  }

  /** Records that the guest sends no more. It may still want the answer, like `nc`. */
  guestEnded(): void {
    this.#hasGuestEnded = true;
    this.#wait(this.#patience.endedMs);
  }

  /** Ends the waits: the answer is complete or has failed. */
  done(): void {
    clearTimeout(this.#timer);
  }

  /** Aborts the exchange: the guest's connection is gone. */
  drop(): void {
    this.done();
    this.#abort.abort();
  }
}
