import type { Terminal } from '@xterm/xterm';
import { button } from '../ui/element.ts';

/** Bytes that a key sends: after ESC [, or after ESC O if the guest set that mode. */
interface ArrowKey {
  label: string;
  name: string;
  final: string;
}

const arrows: readonly ArrowKey[] = [
  { label: '←', name: 'Left', final: 'D' },
  { label: '↓', name: 'Down', final: 'B' },
  { label: '↑', name: 'Up', final: 'A' },
  { label: '→', name: 'Right', final: 'C' },
];

/** Keys that the keyboard of a phone lacks. */
export class KeyRow {
  readonly #ctrl: HTMLButtonElement;

  constructor(row: HTMLElement, terminal: Terminal, send: (data: string) => void) {
    this.#ctrl = button('Ctrl', () => this.#setCtrl(!this.#isCtrl));
    this.#ctrl.title = 'Held for the next character';
    this.#setCtrl(false);
    const arrowKeys = arrows.map(({ label, name, final }) => {
      const key = button(label, () => {
        const introducer = terminal.modes.applicationCursorKeysMode ? '\x1bO' : '\x1b[';
        send(introducer + final);
      });
      key.setAttribute('aria-label', name);
      return key;
    });
    const plain = (label: string, data: string) => button(label, () => send(this.applyCtrl(data)));
    row.append(
      plain('Esc', '\x1b'),
      plain('Tab', '\t'),
      this.#ctrl,
      ...arrowKeys,
      ...['/', '-', '|', '~'].map((sign) => plain(sign, sign)),
    );
    // The terminal keeps the focus, and the phone's keyboard stays open.
    row.addEventListener('pointerdown', (event) => event.preventDefault());
  }

  /** The control character of `data` if Ctrl is held, else `data`. */
  applyCtrl(data: string): string {
    if (!this.#isCtrl || data.length !== 1) return data;
    this.#setCtrl(false);
    const code = data.toUpperCase().charCodeAt(0);
    return code >= 0x40 && code < 0x60 ? String.fromCharCode(code & 0x1f) : data;
  }

  get #isCtrl(): boolean {
    return this.#ctrl.getAttribute('aria-pressed') === 'true';
  }

  #setCtrl(on: boolean): void {
    this.#ctrl.setAttribute('aria-pressed', String(on));
  }
}
