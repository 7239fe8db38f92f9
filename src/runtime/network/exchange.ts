/** How long a guest waits for a server before its connection is reset, ms. */
export interface NetworkPatience {
  /** For the head of an answer, as Firefox. */
  answerMs: number;
  /** For the next bytes, once the guest has ended its side: few want more, and most are gone. */
  endedMs: number;
  /** Until the guest has taken what arrived before an answer broke off. */
  takenMs: number;
}

export const usualPatience: NetworkPatience = { answerMs: 300_000, endedMs: 15_000, takenMs: 500 };

/** A request of the guest and the server's answer, from when it is sent until the answer is whole. */
export class Exchange {
  readonly #abort = new AbortController();
  readonly #patience: NetworkPatience;
  readonly #giveUp: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasGuestEnded = false;

  /** @param giveUp is called when the server has been silent for too long */
  constructor(patience: NetworkPatience, giveUp: () => void) {
    this.#patience = patience;
    this.#giveUp = giveUp;
    this.#wait(patience.answerMs);
  }

  /** Aborts what the server still does for a guest that is gone. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  #wait(limitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#giveUp, limitMs);
  }

  /** Something has come from the server. */
  heard(): void {
    if (this.#hasGuestEnded) this.#wait(this.#patience.endedMs);
    else clearTimeout(this.#timer);
  }

  /** The guest sends no more. It may want the answer all the same, as `nc` does. */
  guestEnded(): void {
    this.#hasGuestEnded = true;
    this.#wait(this.#patience.endedMs);
  }

  /** The answer is whole, or has failed. */
  done(): void {
    clearTimeout(this.#timer);
  }

  /** The guest's connection is gone. */
  drop(): void {
    this.done();
    this.#abort.abort();
  }
}
