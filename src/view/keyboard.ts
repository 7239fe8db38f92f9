import { PressedKeys } from '../pc/pressed-keys.ts';
import { breakBytes, makeBytes } from '../pc/scancodes.ts';
import { typeText } from '../pc/typing.ts';
import { editBetween } from './edit.ts';
import type { GuestLink } from './guest-link.ts';

/** As fast as a guest's BIOS, with room for 16 keys, can be trusted to read. */
const strokeMs = 8;
const longestInput = 200;
/** Something to delete, so that the phone's backspace key is heard. */
const filler = ' ';

/** The guest's PC keyboard: keys on the canvas, pasted text, and the keyboard of a phone. */
export class Keyboard {
  readonly #session: GuestLink;
  readonly #keys = new PressedKeys();
  #strokes: number[][] = [];
  #typing: ReturnType<typeof setInterval> | null = null;

  /**
   * @param canvas has the focus while a real keyboard is used
   * @param input has it while the keyboard of a phone is open
   * @param untypable is told of pasted characters that a US keyboard lacks
   */
  constructor(
    session: GuestLink,
    canvas: HTMLCanvasElement,
    input: HTMLTextAreaElement,
    untypable: (characters: string[]) => void,
  ) {
    this.#session = session;
    for (const target of [canvas, input] as HTMLElement[]) {
      target.addEventListener('keydown', (event) => this.#keyDown(event));
      target.addEventListener('keyup', (event) => this.#keyUp(event));
      target.addEventListener('blur', () => this.#sendInTurn(this.#keys.releaseAll()));
      target.addEventListener('paste', (event) => {
        event.preventDefault();
        const { strokes, untypable: left } = typeText(event.clipboardData?.getData('text') ?? '');
        // The guest must not hold Ctrl and Shift while the text is typed.
        this.#type([this.#keys.releaseAll(), ...strokes]);
        if (left.length > 0) untypable(left);
      });
    }
    this.#followInput(input);
    this.#pasteThrough(canvas, input);
  }

  #keyDown(event: KeyboardEvent): void {
    if (browserKeeps(event) || isText(event)) return;
    event.preventDefault();
    this.#sendInTurn(this.#keys.press(event.code));
  }

  #keyUp(event: KeyboardEvent): void {
    // macOS tells no release of keys that were pressed with Command.
    const bytes = event.code.startsWith('Meta')
      ? this.#keys.releaseAll()
      : this.#keys.release(event.code);
    if (bytes.length === 0) return;
    event.preventDefault();
    this.#sendInTurn(bytes);
  }

  /** Behind the text that is still being typed. */
  #sendInTurn(bytes: number[]): void {
    if (this.#typing === null) this.#send(bytes);
    else this.#strokes.push(bytes);
  }

  /** Browsers paste into what can be edited: for a moment that has the focus. */
  #pasteThrough(canvas: HTMLCanvasElement, input: HTMLTextAreaElement): void {
    canvas.addEventListener('keydown', (event) => {
      if (!isPaste(event)) return;
      input.focus();
      setTimeout(() => canvas.focus());
    });
  }

  /** On a phone the text is what changes: keys have no codes there, and words are composed. */
  #followInput(input: HTMLTextAreaElement): void {
    let before = filler;
    const clear = () => {
      before = filler;
      input.value = filler;
    };
    input.addEventListener('focus', clear);
    input.addEventListener('input', (event) => {
      const { backspaces, text } = editBetween(before, input.value);
      before = input.value;
      const backspace = [...makeBytes('Backspace'), ...breakBytes('Backspace')];
      this.#type([...Array<number[]>(backspaces).fill(backspace), ...typeText(text).strokes]);
      const isComposing = event instanceof InputEvent && event.isComposing;
      const isUsedUp = input.value === '' || input.value.length > longestInput;
      if (isUsedUp && !isComposing) clear();
    });
  }

  #type(strokes: number[][]): void {
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

  #send(bytes: number[]): void {
    if (bytes.length > 0) this.#session.send((machine) => machine.scancodes(bytes));
  }
}

/** Pasting, the developer tools, and everything with Command on a Mac. */
function browserKeeps(event: KeyboardEvent): boolean {
  const { code, ctrlKey, shiftKey, metaKey } = event;
  if (isPaste(event) || (metaKey && !code.startsWith('Meta'))) return true;
  return ctrlKey && shiftKey && ['KeyI', 'KeyJ', 'KeyC'].includes(code);
}

/** The keys for it in terminals, as Ctrl+V is the guest's, and on a Mac. */
function isPaste({ code, ctrlKey, shiftKey, metaKey }: KeyboardEvent): boolean {
  if (code === 'KeyV') return metaKey || (ctrlKey && shiftKey);
  return code === 'Insert' && shiftKey;
}

/** Text for the phone's input, where it arrives as an edit. */
function isText(event: KeyboardEvent): boolean {
  if (!(event.target instanceof HTMLTextAreaElement)) return false;
  if (event.ctrlKey || event.altKey) return false;
  return event.isComposing || event.key.length === 1 || makeBytes(event.code).length === 0;
}
