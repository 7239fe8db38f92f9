/** The lines that were entered before, as readline goes through them. */

const longest = 200;

export class History {
  #lines: string[];
  /** The line that is shown; as many as there are lines while a new one is typed. */
  #at: number;
  /** The new line, while older ones are looked at. */
  #draft = '';

  constructor(lines: readonly string[] = []) {
    this.#lines = lines.slice(-longest);
    this.#at = this.#lines.length;
  }

  /** Oldest first: what to keep for the next time. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** A line was entered. One that is there already moves to the end. */
  add(line: string): void {
    if (line.trim() !== '') {
      this.#lines = [...this.#lines.filter((known) => known !== line), line].slice(-longest);
    }
    this.#at = this.#lines.length;
    this.#draft = '';
  }

  /** @param typed what stands in the line now; undefined when there is nothing older */
  older(typed: string): string | undefined {
    if (this.#at === 0) return undefined;
    if (this.#at === this.#lines.length) this.#draft = typed;
    this.#at--;
    return this.#lines[this.#at];
  }

  /** Undefined when there is nothing newer. After the newest comes what was being typed. */
  newer(): string | undefined {
    if (this.#at === this.#lines.length) return undefined;
    this.#at++;
    return this.#at === this.#lines.length ? this.#draft : this.#lines[this.#at];
  }

  /**
   * The newest line with `text` in it, older than `before` lines.
   * @returns its position as well, to search on from
   */
  search(text: string, before = this.#lines.length): { line: string; at: number } | undefined {
    for (let at = Math.min(before, this.#lines.length) - 1; at >= 0; at--) {
      const line = this.#lines[at]!;
      if (line.includes(text)) return { line, at };
    }
    return undefined;
  }
}
