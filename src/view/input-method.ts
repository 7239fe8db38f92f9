/**
 * Keys without text, pressed while an input method (Chinese, Japanese, Korean) is on. Browsers give
 * them the key code 229, which terminals leave to the input method. No DOM.
 */

/** Members of a keydown event that are used. */
export interface InputMethodKey {
  type: string;
  keyCode: number;
  code: string;
  isComposing: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  timeStamp: number;
}

/** The key as it would be without an input method. */
interface PlainKey {
  key: string;
  keyCode: number;
}

const processed = 229;
/** Safari sends the keydown of the key that ended a composition right after the end. */
const endOfCompositionMs = 50;

const withoutText: Readonly<Record<string, PlainKey>> = {
  Escape: { key: 'Escape', keyCode: 27 },
  Tab: { key: 'Tab', keyCode: 9 },
};

const withCtrl: Readonly<Record<string, PlainKey>> = {
  BracketLeft: { key: '[', keyCode: 219 },
  Backslash: { key: '\\', keyCode: 220 },
  BracketRight: { key: ']', keyCode: 221 },
};

/**
 * @param composedAtMs event time of the end of the last composition
 * @returns undefined if the input method, or the terminal, must receive the event unchanged
 */
export function keyUnderInputMethod(
  event: InputMethodKey,
  composedAtMs: number,
): PlainKey | undefined {
  const { code, ctrlKey, shiftKey } = event;
  if (event.type !== 'keydown' || event.keyCode !== processed || event.isComposing)
    return undefined;
  if (event.timeStamp - composedAtMs < endOfCompositionMs) return undefined;
  if (event.altKey || event.metaKey) return undefined;
  if (!ctrlKey) return withoutText[code];
  if (shiftKey) return undefined;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return { key: letter.toLowerCase(), keyCode: letter.charCodeAt(0) };
  return withCtrl[code];
}
