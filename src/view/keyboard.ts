import type { Machine } from '../client/types.ts';
import { PressedKeys } from '../pc/pressed-keys.ts';
import { breakBytes, makeBytes } from '../pc/scancodes.ts';
import { typeText, untypableText } from '../pc/typing.ts';
import {
  defaultKeyboardLayout,
  isKeyboardLayout,
  type KeyboardLayout,
} from '../protocol/keyboard-layout-names.ts';
import { AltGrFilter } from './alt-gr.ts';
import { editBetween } from './edit.ts';
import type { GuestLink } from './guest-link.ts';
import { type Locks, locksOf } from './locks.ts';
import { TypeAhead } from './type-ahead.ts';

/** Interval of keystrokes that a guest's BIOS, with a buffer of 16 keys, can keep up with. */
const strokeMs = 8;
const longestInput = 200;
/** Text to delete, so that the phone's backspace key causes an event. */
const filler = ' ';

/** Scan codes, or the lock lights of the user's keyboard. */
type Input = number[] | Locks;

/** The guest's PC keyboard: keys on the canvas, pasted text, and the keyboard of a phone. */
export class Keyboard {
  readonly #session: GuestLink;
  readonly #keys = new PressedKeys();
  readonly #altGr = new AltGrFilter((code) => this.#sendInTurn(this.#keys.press(code)));
  readonly #untypable: (message: string) => void;
  #strokes: Input[] = [];
  #typing: ReturnType<typeof setInterval> | null = null;
  /** Keys, and text whose keys depend on the machine's layout. */
  readonly #typeAhead = new TypeAhead<Input | string>();
  #machine: Machine | null = null;

  /**
   * @param canvas has the focus while a real keyboard is used
   * @param input has the focus while the keyboard of a phone is open
   * @param untypable receives a sentence with the characters that the guest's keyboard lacks
   */
  constructor(
    session: GuestLink,
    canvas: HTMLCanvasElement,
    input: HTMLTextAreaElement,
    untypable: (message: string) => void,
  ) {
    this.#session = session;
    this.#untypable = untypable;
    session.onMachine((machine) => {
      this.#machine = machine;
      machine.on('status', () => this.#sendTypeAhead());
    });
    for (const target of [canvas, input] as HTMLElement[]) {
      target.addEventListener('keydown', (event) => this.#keyDown(event));
      target.addEventListener('keyup', (event) => this.#keyUp(event));
      target.addEventListener('blur', () => this.#releaseKeys());
      target.addEventListener('paste', (event) => {
        event.preventDefault();
        // The guest must not hold Ctrl and Shift while the text is typed.
        this.#releaseKeys();
        this.#typeText(event.clipboardData?.getData('text') ?? '');
      });
    }
    this.#followInput(input);
    this.#pasteThrough(canvas, input);
  }

  get #layout(): KeyboardLayout {
    const set = this.#machine?.status?.config.keyboardLayout;
    return isKeyboardLayout(set) ? set : defaultKeyboardLayout;
  }

  #keyDown(event: KeyboardEvent): void {
    if (browserKeeps(event) || isText(event)) return;
    event.preventDefault();
    if (this.#altGr.holdsBack(event)) return;
    if (this.#altGr.wasSentFor(event)) this.#sendInTurn(this.#keys.release('ControlLeft'));
    this.#followLocks(event);
    this.#sendInTurn(this.#keys.press(event.code));
  }

  #keyUp(event: KeyboardEvent): void {
    this.#altGr.flush();
    // macOS sends no keyup for keys that were pressed with Command.
    const bytes = event.code.startsWith('Meta')
      ? this.#keys.releaseAll()
      : this.#keys.release(event.code);
    if (bytes.length === 0) return;
    event.preventDefault();
    this.#sendInTurn(bytes);
  }

  #releaseKeys(): void {
    this.#altGr.drop();
    this.#sendInTurn(this.#keys.releaseAll());
  }

  /**
   * Tells the guest's keyboard the lights of the user's. With every key, because another page or a
   * program may have typed meanwhile, or another runtime may have the guest.
   */
  #followLocks(event: KeyboardEvent): void {
    const locks = locksOf(event);
    if (Object.keys(locks).length > 0) this.#sendInTurn(locks);
  }

  /** Sends input after the text that is still being typed. */
  #sendInTurn(input: Input): void {
    if (this.#typing === null) this.#send(input);
    else this.#strokes.push(input);
  }

  /** Browsers paste only into editable elements: the input has the focus for a moment. */
  #pasteThrough(canvas: HTMLCanvasElement, input: HTMLTextAreaElement): void {
    canvas.addEventListener('keydown', (event) => {
      if (!isPaste(event)) return;
      input.focus();
      setTimeout(() => canvas.focus());
    });
  }

  /**
   * On a phone the changes of the text are the input: keys have no codes, and words are composed.
   */
  #followInput(input: HTMLTextAreaElement): void {
    let before = filler;
    const clear = () => {
      before = filler;
      input.value = filler;
    };
    input.addEventListener('focus', clear);
    input.addEventListener('input', (event) => {
      const { backspaces, text } = this.#editBetween(before, input.value);
      before = input.value;
      const backspace = [...makeBytes('Backspace'), ...breakBytes('Backspace')];
      this.#type(Array<number[]>(backspaces).fill(backspace));
      this.#typeText(text);
      const isComposing = event instanceof InputEvent && event.isComposing;
      const isUsedUp = input.value === '' || input.value.length > longestInput;
      if (isUsedUp && !isComposing) clear();
    });
  }

  /** Text that was not sent to the guest is not deleted there either. */
  #editBetween(before: string, after: string): { backspaces: number; text: string } {
    const { removed, text } = editBetween(before, after);
    const strokes = removed.map((character) => typeText(character, this.#layout));
    return { backspaces: strokes.filter((typed) => typed.untypable.length === 0).length, text };
  }

  #typeText(text: string): void {
    if (text === '') return;
    if (!this.#machine?.status) {
      this.#typeAhead.add(text);
      return;
    }
    const layout = this.#layout;
    const { strokes, untypable } = typeText(text, layout);
    // The text must arrive unchanged, independent of the lock lights.
    this.#type([{ caps: false }, ...strokes]);
    if (untypable.length > 0) this.#untypable(untypableText(untypable, layout));
  }

  #type(strokes: Input[]): void {
    if (strokes.length === 0) return;
    this.#strokes.push(...strokes);
    this.#typing ??= setInterval(() => {
      const stroke = this.#strokes.shift();
      if (stroke) {
        this.#send(stroke);
        return;
      }
      if (this.#typing !== null) clearInterval(this.#typing);
      this.#typing = null;
    }, strokeMs);
  }

  #send(input: Input): void {
    if (Array.isArray(input) && input.length === 0) return;
    if (!this.#machine?.status) {
      this.#typeAhead.add(input);
      return;
    }
    if (Array.isArray(input)) {
      this.#session.send((machine) => machine.scancodes(input));
      return;
    }
    this.#session.send((machine) => machine.keyboardLocks(input));
  }

  /** Sends the text that was typed before the guest was attached. */
  #sendTypeAhead(): void {
    if (!this.#machine?.status) return;
    for (const input of this.#typeAhead.take())
      if (typeof input === 'string') this.#typeText(input);
      else this.#sendInTurn(input);
  }
}

/** True for pasting, the developer tools, and everything with Command on a Mac. */
function browserKeeps(event: KeyboardEvent): boolean {
  const { code, ctrlKey, shiftKey, metaKey } = event;
  if (isPaste(event) || (metaKey && !code.startsWith('Meta'))) return true;
  return ctrlKey && shiftKey && ['KeyI', 'KeyJ', 'KeyC'].includes(code);
}

/** True for the paste keys of terminals and of a Mac. Ctrl+V belongs to the guest. */
function isPaste({ code, ctrlKey, shiftKey, metaKey }: KeyboardEvent): boolean {
  if (code === 'KeyV') return metaKey || (ctrlKey && shiftKey);
  return code === 'Insert' && shiftKey;
}

/** Whether the key is text for a phone's input, which reports it as an edit. */
function isText(event: KeyboardEvent): boolean {
  if (!(event.target instanceof HTMLTextAreaElement)) return false;
  if (event.ctrlKey || event.altKey) return false;
  return event.isComposing || event.key.length === 1 || makeBytes(event.code).length === 0;
}
