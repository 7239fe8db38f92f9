/**
 * Keys that make characters, by `KeyboardEvent.code`. The guest must be set to the layout that is
 * typed for.
 *
 * Source: xkeyboard-config 2.35.1, as far as Windows and the Linux console have the same characters
 * with AltGr. No DOM.
 */

import type { KeyboardLayout } from '../protocol/keyboard-layout-names.ts';

/** From the key above Tab to the right, row by row. */
const codeRows = [
  'Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal IntlYen',
  'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight',
  'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backslash',
  'IntlBackslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash IntlRo',
].map((row) => row.split(' '));

type Row = readonly [string, string, string, string];

/**
 * One character for each of the codes of a row. A space is a key without a character. A combining
 * character is a dead key: `\u0300` grave, `\u0301` acute, `\u0302` circumflex, `\u0303` tilde,
 * `\u0308` diaeresis.
 */
interface Rows {
  /** Name of the layout in the settings of operating systems. */
  name: string;
  plain: Row;
  shift: Row;
  altGr?: Row;
  shiftAltGr?: Row;
}

const layouts: Readonly<Record<KeyboardLayout, Rows>> = {
  us: {
    name: 'US English',
    plain: ['`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'\\", ' zxcvbnm,./'],
    shift: ['~!@#$%^&*()_+', 'QWERTYUIOP{}', 'ASDFGHJKL:"|', ' ZXCVBNM<>?'],
  },
  gb: {
    name: 'UK English',
    plain: ['`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'#", '\\zxcvbnm,./'],
    shift: ['¬!"£$%^&*()_+', 'QWERTYUIOP{}', 'ASDFGHJKL:@~', '|ZXCVBNM<>?'],
    altGr: ['    €', '', '', ''],
  },
  de: {
    name: 'German',
    plain: ['\u03021234567890ß\u0301', 'qwertzuiopü+', 'asdfghjklöä#', '<yxcvbnm,.-'],
    shift: ['°!"§$%&/()=?\u0300', 'QWERTZUIOPÜ*', "ASDFGHJKLÖÄ'", '>YXCVBNM;:_'],
    altGr: ['  ²³   {[]}\\', '@ €        ~', '', '|      µ'],
  },
  ch: {
    name: 'Swiss German',
    plain: ["§1234567890'\u0302", 'qwertzuiopü\u0308', 'asdfghjklöä$', '<yxcvbnm,.-'],
    shift: ['°+"*ç%&/()=?\u0300', 'QWERTZUIOPè!', 'ASDFGHJKLéà£', '>YXCVBNM;:_'],
    altGr: ['  @#  ¬|¢  \u0301\u0303', '  €       []', '          {}', '\\'],
  },
  fr: {
    name: 'French',
    plain: ['²&é"\'(-è_çà)=', 'azertyuiop\u0302$', 'qsdfghjklmù*', '<wxcvbn,;:!'],
    shift: [' 1234567890°+', 'AZERTYUIOP\u0308£', 'QSDFGHJKLM%µ', '>WXCVBN?./§'],
    altGr: ['  ~#{[|`\\^@]}', '  €', '', ''],
  },
  be: {
    name: 'Belgian',
    plain: ['²&é"\'(§è!çà)-', 'azertyuiop\u0302$', 'qsdfghjklmùµ', '<wxcvbn,;:='],
    shift: ['³1234567890°_', 'AZERTYUIOP\u0308*', 'QSDFGHJKLM%£', '>WXCVBN?./+'],
    altGr: [' |@#  ^  {}', '  €       []', '          \u0301\u0300', '\\         \u0303'],
  },
  es: {
    name: 'Spanish',
    plain: ["º1234567890'¡", 'qwertyuiop\u0300+', 'asdfghjklñ\u0301ç', '<zxcvbnm,.-'],
    shift: ['ª!"·$%&/()=?¿', 'QWERTYUIOP\u0302*', 'ASDFGHJKLÑ\u0308Ç', '>ZXCVBNM;:_'],
    altGr: ['\\|@#~ ¬', '  €       []', '          {}', ''],
  },
  it: {
    name: 'Italian',
    plain: ["\\1234567890'ì", 'qwertyuiopè+', 'asdfghjklòàù', '<zxcvbnm,.-'],
    shift: ['|!"£$%&/()=?^', 'QWERTYUIOPé*', 'ASDFGHJKLç°§', '>ZXCVBNM;:_'],
    altGr: ['           `~', '  €       []', '         @#', ''],
    shiftAltGr: ['', '          {}', '', ''],
  },
  pt: {
    name: 'Portuguese',
    plain: ["\\1234567890'«", 'qwertyuiop+\u0301', 'asdfghjklçº\u0303', '<zxcvbnm,.-'],
    shift: ['|!"#$%&/()=?»', 'QWERTYUIOP*\u0300', 'ASDFGHJKLÇª\u0302', '>ZXCVBNM;:_'],
    altGr: ['  @£§  {[]}', '  €       \u0308', '', ''],
  },
  'pt-br': {
    name: 'Brazilian Portuguese (ABNT2)',
    plain: ["'1234567890-=", 'qwertyuiop\u0301[', 'asdfghjklç\u0303]', '\\zxcvbnm,.;/'],
    shift: ['"!@#$%\u0308&*()_+', 'QWERTYUIOP\u0300{', 'ASDFGHJKLÇ\u0302}', '|ZXCVBNM<>:?'],
    altGr: [' ¹²³£¢¬     §', '/?°        ª', '           º', ''],
  },
  se: {
    name: 'Swedish',
    plain: ['§1234567890+\u0301', 'qwertyuiopå\u0308', "asdfghjklöä'", '<zxcvbnm,.-'],
    shift: ['½!"#¤%&/()=?\u0300', 'QWERTYUIOPÅ\u0302', 'ASDFGHJKLÖÄ*', '>ZXCVBNM;:_'],
    altGr: ['  @£$€ {[]}\\', '           \u0303', '', '|      µ'],
  },
  no: {
    name: 'Norwegian',
    plain: ['|1234567890+\\', 'qwertyuiopå\u0308', "asdfghjkløæ'", '<zxcvbnm,.-'],
    shift: ['§!"#¤%&/()=?\u0300', 'QWERTYUIOPÅ\u0302', 'ASDFGHJKLØÆ*', '>ZXCVBNM;:_'],
    altGr: ['  @£$  {[]} \u0301', '  €        \u0303', '', ''],
  },
  dk: {
    name: 'Danish',
    plain: ['½1234567890+\u0301', 'qwertyuiopå\u0308', "asdfghjklæø'", '<zxcvbnm,.-'],
    shift: ['§!"#¤%&/()=?\u0300', 'QWERTYUIOPÅ\u0302', 'ASDFGHJKLÆØ*', '>ZXCVBNM;:_'],
    altGr: ['  @£$  {[]} |', '  €        \u0303', '', '\\'],
  },
  jp: {
    name: 'Japanese',
    plain: [' 1234567890-^\\', 'qwertyuiop@[', 'asdfghjkl;:]', ' zxcvbnm,./\\'],
    shift: [' !"#$%&\'() =~|', 'QWERTYUIOP`{', 'ASDFGHJKL+*}', ' ZXCVBNM<>?_'],
  },
};

/** Returns the name to show to users: `German`. */
export const layoutName = (layout: KeyboardLayout): string => layouts[layout].name;

export interface LayoutKey {
  code: string;
  /** Modifier to hold while the key is pressed. */
  modifier?: 'ShiftLeft' | 'AltRight' | 'ShiftLeft+AltRight';
}

/** Keys that are the same on every layout. */
const common: readonly (readonly [string, string])[] = [
  [' ', 'Space'],
  ['\n', 'Enter'],
  ['\t', 'Tab'],
  ['\b', 'Backspace'],
  ['\x1b', 'Escape'],
];

/**
 * Accents that a dead key and the space bar make on every system. For acute and diaeresis, systems
 * differ.
 */
const spacing: Readonly<Record<string, string>> = { '`': '\u0300', '^': '\u0302', '~': '\u0303' };

const tables = new Map<KeyboardLayout, ReadonlyMap<string, LayoutKey>>();

/**
 * Returns the key for each character that the layout has, and for the combining character of each
 * dead key.
 */
export function keysOf(layout: KeyboardLayout): ReadonlyMap<string, LayoutKey> {
  let table = tables.get(layout);
  if (!table) {
    table = tableOf(layouts[layout]);
    tables.set(layout, table);
  }
  return table;
}

/**
 * Returns the keys to press in turn for a character: one, or a dead key and another.
 * @returns undefined if the layout has none for it
 */
export function keysFor(character: string, layout: KeyboardLayout): LayoutKey[] | undefined {
  const keys = keysOf(layout);
  const own = keys.get(character);
  if (own) return [own];
  const [base = '', accent = '', ...more] = character.normalize('NFD');
  const pair = accent ? [accent, base] : [spacing[character] ?? '', ' '];
  const found = pair.flatMap((part) => keys.get(part) ?? []);
  return found.length === 2 && more.length === 0 ? found : undefined;
}

function tableOf({ plain, shift, altGr, shiftAltGr }: Rows): ReadonlyMap<string, LayoutKey> {
  const table = new Map<string, LayoutKey>(
    common.map(([character, code]) => [character, { code }]),
  );
  const levels = [
    [plain, undefined],
    [shift, 'ShiftLeft'],
    [altGr, 'AltRight'],
    [shiftAltGr, 'ShiftLeft+AltRight'],
  ] as const;
  for (const [rows, modifier] of levels) {
    for (const [at, row] of (rows ?? []).entries()) {
      for (const [index, character] of [...row].entries()) {
        const code = codeRows[at]?.[index];
        if (code === undefined || character === ' ' || table.has(character)) continue;
        table.set(character, modifier ? { code, modifier } : { code });
      }
    }
  }
  return table;
}
