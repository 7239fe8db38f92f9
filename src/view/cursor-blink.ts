/**
 * The blinking of a terminal's cursor. The style sheet of xterm.js animates it, for which the
 * browser prepares 60 frames a second. A timer needs two.
 */
import type { ITerminalAddon, Terminal } from '@xterm/xterm';

/** Half of the period that xterm.js uses. */
const halfMs = 500;
const offClass = 'cursor-off';
const css = `
.xterm-cursor-blink { animation-play-state: paused !important; }
.${offClass} .xterm-cursor-blink { animation-delay: -${halfMs}ms !important; }
`;

/** Blinks the cursor of an open terminal while it has the focus. */
export class CursorBlink implements ITerminalAddon {
  readonly #root: DocumentOrShadowRoot;
  readonly #sheet = new CSSStyleSheet();
  #element: HTMLElement | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param root that the terminal is in */
  constructor(root: DocumentOrShadowRoot) {
    this.#root = root;
    this.#sheet.replaceSync(css);
  }

  activate(terminal: Terminal): void {
    const { element, textarea } = terminal;
    this.#element = element;
    this.#root.adoptedStyleSheets = [...this.#root.adoptedStyleSheets, this.#sheet];
    textarea?.addEventListener('focus', () => this.#start());
    textarea?.addEventListener('blur', () => this.#stop());
    // A cursor that moves is visible.
    terminal.onCursorMove(() => {
      if (this.#timer !== undefined) this.#start();
    });
  }

  dispose(): void {
    this.#stop();
    this.#root.adoptedStyleSheets = this.#root.adoptedStyleSheets.filter(
      (sheet) => sheet !== this.#sheet,
    );
  }

  #start(): void {
    this.#stop();
    this.#timer = setInterval(() => this.#element?.classList.toggle(offClass), halfMs);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#element?.classList.remove(offClass);
  }
}
