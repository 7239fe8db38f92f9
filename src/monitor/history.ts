/** Lines that were entered before, with readline's navigation. */

const longest = 200;

export class History {
  #lines: string[];
  /** Index of the line that is shown; the number of lines while a new one is typed. */
  #at: number;
  /** The new line, while older ones are shown. */
  #draft = '';

  constructor(lines: readonly string[] = []) {
    this.#lines = lines.slice(-longest);
    this.#at = this.#lines.length;
  }

  /** Lines to keep for the next session, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Adds a line that was entered. A line that already exists moves to the end. */
  add(line: string): void {
    if (line.trim() !== '') {
      this.#lines = [...this.#lines.filter((known) => known !== line), line].slice(-longest);
    }
    this.#at = this.#lines.length;
    this.#draft = '';
  }

  /**
   * @param typed the current text of the line
   * @returns undefined if no older line exists
   */
  older(typed: string): string | undefined {
    if (this.#at === 0) return undefined;
    if (this.#at === this.#lines.length) this.#draft = typed;
    this.#at--;
    return this.#lines[this.#at];
  }

  /** @returns undefined if no newer line exists. After the newest line comes the unfinished one. */
  newer(): string | undefined {
    if (this.#at === this.#lines.length) return undefined;
    this.#at++;
    return this.#at === this.#lines.length ? this.#draft : this.#lines[this.#at];
  }

  /**
   * Finds the newest line with `text` in it, older than `before` lines.
   * @returns also its position, to search on from
   */
  search(text: string, before = this.#lines.length): { line: string; at: number } | undefined {
    for (let at = Math.min(before, this.#lines.length) - 1; at >= 0; at--) {
      const line = this.#lines[at]!;
      if (line.includes(text)) return { line, at };
    }
    return undefined;
  }
}
