/** What is typed before there is a guest to type to: a page that was reloaded has the focus at once. No DOM. */

/** Beyond that nobody types, but something else is in the way. */
const limit = 1000;

export class EarlyInput<Input = string | Uint8Array> {
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
