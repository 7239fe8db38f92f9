/** Puts a console's output in order by its offsets. No DOM. */

interface AcceptedOutput {
  /** Another machine began: what was shown belongs to the last one. */
  newMachine: boolean;
  /** How many bytes before these were never seen here. */
  missed: number;
  bytes: Uint8Array;
}

/**
 * Consoles are numbered by byte since the machine began, so output that arrives twice, as after
 * a reconnect, is recognised. A gap is the part of the scrollback that the keeper dropped.
 */
export class ConsoleStream {
  #next = 0;
  #expectsNewMachine = false;

  accept(offset: number, bytes: Uint8Array): AcceptedOutput {
    const end = offset + bytes.length;
    // A count that begins anew and says less than was seen is another machine's.
    if (offset === 0 && (this.#expectsNewMachine || end < this.#next)) {
      const newMachine = this.#next > 0;
      this.#expectsNewMachine = false;
      this.#next = end;
      return { newMachine, missed: 0, bytes };
    }
    const seen = Math.max(0, Math.min(bytes.length, this.#next - offset));
    const missed = this.#next > 0 ? Math.max(0, offset - this.#next) : 0;
    this.#next = Math.max(this.#next, end);
    return { newMachine: false, missed, bytes: seen > 0 ? bytes.subarray(seen) : bytes };
  }

  get isExpectingNewMachine(): boolean {
    return this.#expectsNewMachine;
  }

  /** What was shown is gone. */
  forget(): void {
    this.#next = 0;
  }

  /** A machine was or will be started: the next count from 0 is its, however much it says. */
  expectNewMachine(): void {
    this.#expectsNewMachine = true;
  }
}
