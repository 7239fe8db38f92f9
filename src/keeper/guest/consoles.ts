import type { MachineEvent } from '../../protocol/events.ts';
import { Scrollback } from './scrollback.ts';

interface ConsoleOutput {
  type: 'console';
  bytes: Uint8Array<ArrayBuffer>;
}

interface Console {
  scrollback: Scrollback;
  /** Offset up to which the attached pages have the output. */
  sent: number;
  /** Output before this offset is from another keeper, and is sent with `again`. */
  againEnd: number;
}

/** The consoles of one machine: their output, and the part that was sent to pages. */
export class Consoles {
  readonly #consoles = new Map<string, Console>();
  readonly #emit: (event: MachineEvent, transfer: Transferable[]) => void;

  constructor(emit: (event: MachineEvent, transfer: Transferable[]) => void) {
    this.#emit = emit;
  }

  /**
   * Appends output and sends it. The runtime collects its devices' single bytes, so a call is a
   * message.
   */
  output(name: string, bytes: Uint8Array): void {
    let console = this.#consoles.get(name);
    if (console === undefined) {
      console = { scrollback: new Scrollback(), sent: 0, againEnd: 0 };
      this.#consoles.set(name, console);
    }
    console.scrollback.append(bytes);
    this.#send(name, console);
  }

  /** Sends the output that pages lack. Call it before a page is added. */
  flush(): void {
    for (const [name, console] of this.#consoles) this.#send(name, console);
  }

  #send(name: string, console: Console): void {
    for (const event of this.from(name, console.sent)) this.#emit(event, [event.bytes.buffer]);
    console.sent = console.scrollback.end;
  }

  /** Yields the output of a console from `start` on, as far as the scrollback holds it. */
  *from(name: string, start: number): Generator<MachineEvent & ConsoleOutput> {
    const console = this.#consoles.get(name);
    for (const { offset, bytes } of console?.scrollback.chunks(start) ?? []) {
      const again = offset < (console?.againEnd ?? 0) && ({ again: true } as const);
      yield { type: 'console', console: name, offset, bytes, ...again };
    }
  }

  /** Every console's scrollback, by name. */
  *scrollbacks(): Generator<[name: string, scrollback: Scrollback]> {
    for (const [name, { scrollback }] of this.#consoles) yield [name, scrollback];
  }

  /**
   * Replaces the output of all consoles: `bytes` are the last of `end` bytes in all. The pages do
   * not have it yet.
   */
  restore(scrollbacks: Iterable<{ name: string; end: number; bytes: Uint8Array }>): void {
    this.#consoles.clear();
    for (const { name, end, bytes } of scrollbacks) {
      const scrollback = Scrollback.of(end, bytes);
      this.#consoles.set(name, { scrollback, sent: scrollback.start, againEnd: end });
    }
  }

  /** Returns the scrollback of a console as text. */
  text(name: string): string {
    const { scrollback } = this.#consoles.get(name) ?? {};
    const decoder = new TextDecoder('latin1');
    return [...(scrollback?.chunks() ?? [])].map(({ bytes }) => decoder.decode(bytes)).join('');
  }

  /** Yields the output that a page lacks. @param has end of the output that it has of each console */
  *after(has: Readonly<Record<string, number>>): Generator<MachineEvent> {
    for (const name of this.#consoles.keys()) yield* this.from(name, has[name] ?? 0);
  }

  /** Yields the whole scrollback for a new page. */
  *history(): Generator<MachineEvent> {
    for (const [name, { scrollback }] of this.#consoles) {
      for (const { offset, bytes } of scrollback.chunks()) {
        yield { type: 'console', console: name, offset, bytes, again: true };
      }
    }
  }
}
