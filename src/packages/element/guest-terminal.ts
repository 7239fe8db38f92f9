import { FitAddon } from '@xterm/addon-fit';
import type { Terminal } from '@xterm/xterm';
import type { Machine } from '../../client/types.ts';
import type { GuestLink } from '../../view/guest-link.ts';
import { openTerminal } from '../../view/policy-safe-terminal.ts';
import { ShownConsole } from '../../view/shown-console.ts';
import { followTerminal } from '../../view/terminal-input.ts';
import { TypeAhead } from '../../view/type-ahead.ts';

const consoleName = 'serial0';

/** Bytes that keys send on a serial line, by their names in `sendkey`. */
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
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #link: GuestLink;
  readonly #typeAhead = new TypeAhead();
  #machine: Machine | null = null;
  readonly #shown: ShownConsole;

  constructor(container: HTMLElement, link: GuestLink) {
    this.#link = link;
    const options = { fontSize: 13, scrollback: 10_000, cursorBlink: true };
    this.#terminal = openTerminal(container, options, [this.#fit]);
    this.#terminal.textarea?.setAttribute('aria-label', 'Serial console of the guest');
    this.#shown = new ShownConsole({
      terminal: this.#terminal,
      reset: () => this.#terminal.reset(),
    });
    followTerminal(this.#terminal, {
      send: (data) => this.#send(data),
      isShownAgain: () => this.#shown.isShownAgain,
    });
    new ResizeObserver(() => {
      if (container.clientWidth === 0) return;
      this.#fit.fit();
      this.#sendSize();
    }).observe(container);
  }

  focus(): void {
    this.#terminal.focus();
  }

  follow(machine: Machine): void {
    this.#machine = machine;
    this.#sendSize();
    machine.on('status', () => {
      for (const data of this.#typeAhead.take()) this.#send(data);
    });
    this.#shown.forget();
    this.#shown.follow(machine.console(consoleName));
  }

  /** @returns false for a key that a serial line lacks */
  sendKey(name: string): boolean {
    const sequence = sequences[name];
    if (sequence === undefined) return false;
    this.#send(sequence);
    return true;
  }

  #sendSize(): void {
    const { element, cols, rows } = this.#terminal;
    if (!element?.clientWidth) return;
    this.#link.send((machine) => machine.terminalSize(consoleName, { cols, rows }));
  }

  #send(data: string | Uint8Array): void {
    if (!this.#machine?.status) this.#typeAhead.add(data);
    else this.#link.send((machine) => machine.consoleInput(consoleName, data));
  }
}
