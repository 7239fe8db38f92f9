/** The page's own keys. They work everywhere, also while the guest has the keyboard. No DOM. */

export type Shortcut =
  | 'leave'
  | 'terminal'
  | 'screen'
  | 'monitor'
  | 'buttons'
  | 'pause'
  | 'update'
  | 'full-screen'
  | 'help';

/** Members of a KeyboardEvent that are used. */
export interface KeyPress {
  code: string;
  ctrlKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  metaKey: boolean;
  repeat: boolean;
  getModifierState(key: 'AltGraph'): boolean;
}

// The same keys as in QEMU's window, if it has the function.
const byCode: Record<string, Shortcut> = {
  KeyG: 'leave',
  Digit1: 'terminal',
  Digit2: 'screen',
  Digit3: 'monitor',
  KeyM: 'buttons',
  KeyP: 'pause',
  KeyU: 'update',
  KeyF: 'full-screen',
  KeyH: 'help',
};

/** Documented in the help dialog. */
export const shortcutHelp = [
  ['Ctrl+Alt', 'pressed and let go: leave the terminal or the screen, free the mouse'],
  ['Ctrl+Alt+1', 'go to the terminal'],
  ['Ctrl+Alt+2', 'go to the screen'],
  ['Ctrl+Alt+3', 'open the monitor, and close it'],
  ['Ctrl+Alt+M', 'go to the buttons of the machine'],
  ['Ctrl+Alt+P', 'pause or resume'],
  ['Ctrl+Alt+U', 'live update to the chosen emulator'],
  ['Ctrl+Alt+F', 'full screen on and off'],
  ['Ctrl+Alt+H', 'this help'],
  ['Ctrl+Shift+V', 'or Shift+Insert, on the screen: type the text of the clipboard'],
] as const satisfies readonly (readonly [string, string])[];

/** The shortcut of a keydown, if any. AltGr, which Windows reports as Ctrl+Alt, is none. */
export function shortcutOf(event: KeyPress): Shortcut | null {
  if (!event.ctrlKey || !event.altKey || event.shiftKey || event.metaKey) return null;
  if (event.repeat || event.getModifierState('AltGraph')) return null;
  return byCode[event.code] ?? null;
}

/** Recognises Ctrl and the left Alt pressed together, and released with no other key in between. */
export class LeaveChord {
  readonly #down = new Set<'ctrl' | 'alt'>();
  #complete = false;
  #spoilt = false;

  keyDown(code: string): void {
    const key = chordKey(code);
    if (key) this.#down.add(key);
    else this.#spoilt = true;
    if (this.#down.size === 2 && !this.#spoilt) this.#complete = true;
    if (this.#spoilt) this.#complete = false;
  }

  /** True when this release ends the chord. */
  keyUp(code: string): boolean {
    const key = chordKey(code);
    if (key) this.#down.delete(key);
    const left = key !== null && this.#complete;
    if (left) this.#complete = false;
    if (this.#down.size === 0) this.#spoilt = false;
    return left;
  }

  /** The window lost the keyboard: it may miss releases. */
  clear(): void {
    this.#down.clear();
    this.#complete = false;
    this.#spoilt = false;
  }
}

function chordKey(code: string): 'ctrl' | 'alt' | null {
  if (code === 'ControlLeft' || code === 'ControlRight') return 'ctrl';
  // The right Alt is AltGr on most keyboards outside of the US.
  return code === 'AltLeft' ? 'alt' : null;
}
