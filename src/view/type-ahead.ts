/** Keeps input typed before the guest is attached: a reloaded page has the focus at once. No DOM. */

/** Most characters that are kept: a person types no more in that time. */
const limit = 1000;

export class TypeAhead<Input = string | Uint8Array> {
  #waiting: Input[] = [];

  add(input: Input): void {
    if (this.#waiting.length < limit) this.#waiting.push(input);
  }

  take(): Input[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
