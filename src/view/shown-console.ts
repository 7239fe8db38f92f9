/** A console of the guest in a terminal, written no faster than the terminal shows it. */
import type { ConsoleChunk, GuestConsole } from '../client/console-types.ts';

/** The part of xterm.js that is used here. */
interface OutputTerminal {
  write(data: string | Uint8Array, written: () => void): void;
}

export interface ShownConsoleOptions {
  terminal: OutputTerminal;
  /** Clears the terminal: its text belongs to another machine, or to a state before a restore. */
  reset(): void;
  /** Marks a gap in the output. */
  missed?(bytes: number): string;
}

/** Chunks that wait in the terminal: enough that it never waits for the next one. */
const chunksOnWay = 4;

export class ShownConsole {
  readonly #options: ShownConsoleOptions;
  #reader: ReadableStreamDefaultReader<ConsoleChunk> | undefined;
  /** End offset of the output that was written to the terminal. */
  #end = 0;
  /** End offset of the output that the terminal shows. */
  #shownEnd = 0;
  /** Chunks in the terminal's queue that repeat earlier output. */
  #againOnWay = 0;
  #expectsNewMachine = false;

  constructor(options: ShownConsoleOptions) {
    this.#options = options;
  }

  get end(): number {
    return this.#end;
  }

  /** Whether all output before this offset is on the screen. */
  shows(offset: number): boolean {
    return this.#shownEnd >= offset;
  }

  /** Whether the terminal processes repeated output. Terminal queries in it were already answered. */
  get isShownAgain(): boolean {
    return this.#againOnWay > 0;
  }

  get expectsNewMachine(): boolean {
    return this.#expectsNewMachine;
  }

  /** From the next gap or restart of the count on, output belongs to another machine. */
  expectNewMachine(): void {
    this.#expectsNewMachine = true;
  }

  /** The output so far no longer counts. */
  forget(): void {
    this.#expectsNewMachine = false;
    this.#end = 0;
    // After all output that the terminal has received before.
    this.#options.terminal.write('', () => this.#options.reset());
  }

  /**
   * Shows this console from here on, in place of another.
   * @param from offset up to which it is shown already
   */
  follow(console: Pick<GuestConsole, 'chunks'>, from = 0): void {
    void this.#reader?.cancel();
    const reader = console.chunks({ from }).getReader();
    this.#reader = reader;
    this.#shownEnd = from;
    void this.#show(reader);
  }

  async #show(reader: ReadableStreamDefaultReader<ConsoleChunk>): Promise<void> {
    const onWay: Promise<void>[] = [];
    for (;;) {
      if (onWay.length >= chunksOnWay) await onWay.shift();
      const { done, value } = await reader.read();
      if (done || reader !== this.#reader) return;
      onWay.push(this.#write(value));
    }
  }

  /** Resolves when the terminal shows the chunk. */
  #write({ offset, bytes, again }: ConsoleChunk): Promise<void> {
    const { terminal, missed } = this.#options;
    const isGap = offset > this.#end && this.#end > 0;
    if (offset < this.#end || (isGap && this.#expectsNewMachine)) this.forget();
    else if (isGap && missed) terminal.write(missed(offset - this.#end), () => {});
    this.#expectsNewMachine &&= this.#end > 0;
    const end = offset + bytes.length;
    this.#end = end;
    if (again) this.#againOnWay++;
    return new Promise((shown) =>
      terminal.write(bytes, () => {
        if (again) this.#againOnWay--;
        this.#shownEnd = end;
        shown();
      }),
    );
  }
}
