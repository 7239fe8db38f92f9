import { FitAddon } from '@xterm/addon-fit';
import type { ITerminalOptions, Terminal } from '@xterm/xterm';
import type { Machine } from '../../client/types.ts';
import { openTerminal } from '../../view/policy-safe-terminal.ts';
import { ShownConsole } from '../../view/shown-console.ts';
import { followTerminal } from '../../view/terminal-input.ts';
import { TypeAhead } from '../../view/type-ahead.ts';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { onSetting, readSetting } from '../ui/settings.ts';
import { openGuestLink } from './guest-link.ts';
import { KeyRow } from './key-row.ts';
import { missedNote } from './missed-note.ts';
import { fontSizeFor } from './terminal-size.ts';

const consoleName = 'serial0';
const leastFontPx = 10;
/** Width that the fit add-on reserves. */
const scrollbarPx = 14;
/** Answers to terminal queries must not wait for a screen that never arrives. */
const longestReplayMs = 2000;

/** The guest's serial console. */
export class TerminalView {
  readonly #session: Session;
  readonly #container = element('terminal', HTMLElement);
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #keys: KeyRow;
  readonly #shown: ShownConsole;
  readonly #typeAhead = new TypeAhead();
  /** Ems that a character is wide. */
  readonly #advance: number;
  /** End offset of the output sent at attach. Terminal queries before it were already answered. */
  #greetingEnd = 0;
  #keeperId = '';
  #machine: Machine | undefined;
  #hasSpoken = false;
  /** The next output at offset 0 is a new machine's. */
  #expectsFirstWord = false;

  constructor(session: Session) {
    this.#session = session;
    const fontFamily = getComputedStyle(document.documentElement).getPropertyValue('--mono');
    this.#advance = measureAdvance(fontFamily);
    const options: ITerminalOptions = {
      fontFamily,
      // A change makes xterm.js measure all of its characters again.
      fontSize: this.#fittingFontPx() ?? 13,
      scrollback: 10_000,
      cursorBlink: true,
      screenReaderMode: readSetting('screen-reader') === 'on',
      linkHandler: { activate: (_, address) => void openGuestLink(address) },
      theme: {
        background: '#0e1011',
        foreground: '#d6d9db',
        cursor: '#d6d9db',
        selectionBackground: '#2f5f55',
      },
    };
    this.#terminal = openTerminal(this.#container, options, [this.#fit]);
    this.#shown = new ShownConsole({
      terminal: this.#terminal,
      reset: () => {
        this.#terminal.reset();
        if (Number.isFinite(this.#greetingEnd)) this.#greetingEnd = 0;
      },
      missed: missedNote,
    });
    const input = this.#terminal.textarea;
    input?.setAttribute('aria-label', 'Serial console of the guest');
    input?.setAttribute('aria-describedby', 'terminal-hint');

    this.#keys = new KeyRow(element('terminal-keys', HTMLElement), this.#terminal, (data) =>
      this.#send(data),
    );
    followTerminal(this.#terminal, {
      send: (data) => this.#send(data),
      isShownAgain: () => !this.#shown.shows(this.#greetingEnd) || this.#shown.isShownAgain,
      typed: (data) => this.#keys.applyCtrl(data),
    });
    // xterm.js draws no cursor before its first focus.
    if (document.activeElement === document.body) {
      this.#terminal.focus();
      this.#terminal.blur();
    }
    new ResizeObserver(() => this.#resize()).observe(this.#container);
    // The focused page sets the size.
    window.addEventListener('focus', () => this.#sendSize());
    session.onMachine((machine) => this.#follow(machine));
    session.onChange(() => {
      this.#terminal.options.disableStdin = session.isWatching;
      this.#sendTypeAhead();
    });
    this.#setUpScreenReaderMode();
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** The text of the terminal, scrollback included, for tests and the browser's console. */
  text(): string {
    const { active } = this.#terminal.buffer;
    let text = '';
    for (let row = 0; row < active.length; row++) {
      const line = active.getLine(row);
      if (!line) continue;
      text += `${line.isWrapped || row === 0 ? '' : '\n'}${line.translateToString(true)}`;
    }
    return text.trimEnd();
  }

  /** Whether the present guest has printed anything here. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** A new guest is about to replace the present one. */
  expectNewMachine(): void {
    this.#expectsFirstWord = true;
    this.#shown.expectNewMachine();
  }

  /** The new guest runs, even if it has printed nothing yet. */
  newMachineBegan(): void {
    if (this.#expectsFirstWord) this.#hasSpoken = false;
    if (this.#shown.expectsNewMachine) this.#shown.forget();
  }

  #follow(machine: Machine): void {
    this.#machine = machine;
    const console = machine.console(consoleName);
    const isOtherKeeper = this.#keeperId !== machine.keeper.instanceId;
    this.#keeperId = machine.keeper.instanceId;
    if (isOtherKeeper) {
      // Another keeper has another guest.
      this.expectNewMachine();
      this.#shown.follow(console);
    }
    machine.on('console', ({ console, offset, bytes }) => {
      if (console !== consoleName || bytes.length === 0) return;
      if (offset === 0) this.#expectsFirstWord = false;
      this.#hasSpoken = true;
    });

    this.#sendSize();
    if (machine.keeper.machine === null) {
      if (!isOtherKeeper) this.#shown.follow(console);
      return;
    }
    this.#greetingEnd = Number.POSITIVE_INFINITY;
    let isGreeted = false;
    const replayed = () => {
      if (isGreeted || machine !== this.#machine) return;
      isGreeted = true;
      // The same keeper sends the same output again. Less output is of another guest.
      if (!isOtherKeeper)
        this.#shown.follow(console, console.end < this.#shown.end ? 0 : this.#shown.end);
      this.#greetingEnd = console.end;
    };
    // At attach, the keeper sends the scrollback first and the screen after it.
    machine.on('screen-text', replayed);
    machine.on('screen-graphics', replayed);
    setTimeout(replayed, longestReplayMs);
  }

  #send(data: string | Uint8Array): void {
    if (!this.#session.status) this.#typeAhead.add(data);
    else this.#session.send((machine) => machine.consoleInput(consoleName, data));
  }

  /** Sends keys that were typed before there was a guest. */
  #sendTypeAhead(): void {
    if (this.#session.status) for (const data of this.#typeAhead.take()) this.#send(data);
  }

  #resize(): void {
    const fontPx = this.#fittingFontPx();
    if (fontPx === undefined) return;
    this.#terminal.options.fontSize = fontPx;
    this.#fit.fit();
    this.#sendSize();
  }

  /** A hidden terminal has no font size. */
  #fittingFontPx(): number | undefined {
    const style = getComputedStyle(this.#container);
    const padding = Number.parseFloat(style.paddingLeft) + Number.parseFloat(style.paddingRight);
    const width = this.#container.clientWidth - padding - scrollbarPx;
    return width > 0 ? fontSizeFor(width, this.#advance, leastFontPx) : undefined;
  }

  /** Columns and rows. */
  get size(): { cols: number; rows: number } {
    const { cols, rows } = this.#terminal;
    return { cols, rows };
  }

  #sendSize(): void {
    const { cols, rows } = this.size;
    // A hidden terminal has no size.
    if (this.#container.clientWidth === 0 || this.#session.isWatching) return;
    this.#session.send((machine) => machine.terminalSize(consoleName, { cols, rows }));
  }

  #setUpScreenReaderMode(): void {
    onSetting('screen-reader', () => {
      this.#terminal.options.screenReaderMode = readSetting('screen-reader') === 'on';
    });
  }
}

function measureAdvance(fontFamily: string): number {
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return 0.6;
  context.font = `100px ${fontFamily}`;
  return context.measureText('0').width / 100;
}
