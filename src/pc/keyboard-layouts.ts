/**
 * Which keys make which characters, by `KeyboardEvent.code`. The layout is the guest's: it must be
 * set to the one that is typed for. Source: xkeyboard-config's symbols us, gb, de and fr. No DOM.
 */

/** From the key above Tab to the right, row by row. */
const codes = [
  'Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal',
  'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight',
  'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backslash',
  'IntlBackslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash',
]
  .join(' ')
  .split(' ');

/** One character for each of {@link codes}; a space is a dead key, or one that makes nothing. */
interface Rows {
  plain: string;
  shift: string;
  altGr?: string;
}

const rows = {
  us: {
    plain: "`1234567890-=qwertyuiop[]asdfghjkl;'\\ zxcvbnm,./",
    shift: '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"| ZXCVBNM<>?',
  },
  gb: {
    plain: "`1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./",
    shift: '¬!"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?',
    altGr: '¦   €                                           ',
  },
  de: {
    plain: ' 1234567890ß qwertzuiopü+asdfghjklöä#<yxcvbnm,.-',
    shift: '°!"§$%&/()=? QWERTZUIOPÜ*ASDFGHJKLÖÄ\'>YXCVBNM;:_',
    altGr: '  ²³   {[]}\\ @ €        ~            |      µ   ',
  },
  fr: {
    plain: '²&é"\'(-è_çà)=azertyuiop $qsdfghjklmù*<wxcvbn,;:!',
    shift: ' 1234567890°+AZERTYUIOP £QSDFGHJKLM%µ>WXCVBN?./§',
    altGr: '  ~#{[|`\\^@]}  €                                ',
  },
} as const satisfies Record<string, Rows>;

/** What the guest's keyboard is set to. */
export type KeyboardLayout = keyof typeof rows;
export const keyboardLayouts = Object.keys(rows) as KeyboardLayout[];

export interface LayoutKey {
  code: string;
  /** To be held meanwhile. */
  modifier?: 'ShiftLeft' | 'AltRight';
}

/** Keys that are the same on every layout. */
const common: readonly (readonly [string, string])[] = [
  [' ', 'Space'],
  ['\n', 'Enter'],
  ['\t', 'Tab'],
  ['\b', 'Backspace'],
  ['\x1b', 'Escape'],
];

const tables = new Map<KeyboardLayout, ReadonlyMap<string, LayoutKey>>();

/** The key for each character that the layout has. */
export function keysOf(layout: KeyboardLayout): ReadonlyMap<string, LayoutKey> {
  let table = tables.get(layout);
  if (!table) {
    table = tableOf(rows[layout]);
    tables.set(layout, table);
  }
  return table;
}

function tableOf({ plain, shift, altGr = '' }: Rows): ReadonlyMap<string, LayoutKey> {
  const table = new Map<string, LayoutKey>(
    common.map(([character, code]) => [character, { code }]),
  );
  const levels = [
    [plain, undefined],
    [shift, 'ShiftLeft'],
    [altGr, 'AltRight'],
  ] as const;
  for (const [characters, modifier] of levels) {
    for (const [index, character] of [...characters].entries()) {
      const code = codes[index];
      if (code === undefined || character === ' ' || table.has(character)) continue;
      table.set(character, modifier ? { code, modifier } : { code });
    }
  }
  return table;
}
