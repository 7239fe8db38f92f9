/** What is typed before there is a guest to type to: a page that was reloaded has the focus at once. No DOM. */

/** Beyond that nobody types, but something else is in the way. */
const limit = 1000;

export class EarlyInput {
  #waiting: (string | Uint8Array)[] = [];

  add(data: string | Uint8Array): void {
    if (this.#waiting.length < limit) this.#waiting.push(data);
  }

  take(): (string | Uint8Array)[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
