import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { Machine } from '../machine/types.ts';
import type { GuestLink } from '../view/guest-link.ts';

const consoleName = 'serial0';

/** What keys send on a serial line, by their names of `sendkey`. */
const sequences: Record<string, string> = {
  esc: '\x1b',
  tab: '\t',
  'ctrl-c': '\x03',
  'ctrl-d': '\x04',
  left: '\x1b[D',
  down: '\x1b[B',
  up: '\x1b[A',
  right: '\x1b[C',
};

/** The guest's first serial port as a terminal. */
export class GuestTerminal {
  readonly #terminal = new Terminal({ fontSize: 13, scrollback: 10_000, cursorBlink: true });
  readonly #fit = new FitAddon();
  readonly #link: GuestLink;
  /** Pieces on their way to the screen that were on one before: what they ask was answered. */
  #shownAgain = 0;

  constructor(container: HTMLElement, link: GuestLink) {
    this.#link = link;
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.open(container);
    this.#terminal.textarea?.setAttribute('aria-label', 'Serial console of the guest');
    this.#terminal.onData((data) => this.#typed(data));
    this.#terminal.onBinary((data) => this.#send(Uint8Array.from(data, (c) => c.charCodeAt(0))));
    new ResizeObserver(() => {
      if (container.clientWidth > 0) this.#fit.fit();
    }).observe(container);
  }

  focus(): void {
    this.#terminal.focus();
  }

  follow(machine: Machine): void {
    this.#terminal.reset();
    let end = 0;
    machine.on('console', ({ console, offset, bytes, again }) => {
      if (console !== consoleName) return;
      // The guest of a snapshot, or another machine.
      if (offset < end) this.#terminal.reset();
      end = offset + bytes.length;
      if (again) this.#shownAgain++;
      this.#terminal.write(bytes, () => {
        if (again) this.#shownAgain--;
      });
    });
  }

  /** @returns false for a key that a serial line does not have */
  sendKey(name: string): boolean {
    const sequence = sequences[name];
    if (sequence === undefined) return false;
    this.#send(sequence);
    return true;
  }

  /** Keys, and the terminal's own answers, of which one page may give one. */
  #typed(data: string): void {
    if (this.#shownAgain === 0 && document.hasFocus()) this.#send(data);
  }

  #send(data: string | Uint8Array): void {
    this.#link.send((machine) => machine.consoleInput(consoleName, data));
  }
}
