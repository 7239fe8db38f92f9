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
  /** Text in the place of output that was missed. */
  missed?(bytes: number): string;
}

/** Chunks that wait in the terminal: enough that it never has to wait for the next one. */
const chunksOnWay = 4;

export class ShownConsole {
  readonly #options: ShownConsoleOptions;
  #reader: ReadableStreamDefaultReader<ConsoleChunk> | undefined;
  /** Where the output ends that the terminal has been given. */
  #end = 0;
  /** Where the output ends that it shows. */
  #shownEnd = 0;
  /** Chunks on their way to the screen that were on one before. */
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

  /** Whether the terminal works on what was shown before: what that asks of it was answered. */
  get isShownAgain(): boolean {
    return this.#againOnWay > 0;
  }

  get expectsNewMachine(): boolean {
    return this.#expectsNewMachine;
  }

  /** Output is another machine's from the next gap on, or from where its count begins anew. */
  expectNewMachine(): void {
    this.#expectsNewMachine = true;
  }

  /** Nothing of what was shown counts any more. */
  forget(): void {
    this.#expectsNewMachine = false;
    this.#end = 0;
    // Behind what the terminal was given before.
    this.#options.terminal.write('', () => this.#options.reset());
  }

  /**
   * Shows this console from here on, in place of another.
   * @param from an offset up to which it is shown already
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

  /** Resolves when the terminal shows it. */
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
