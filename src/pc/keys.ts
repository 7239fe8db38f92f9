/** Names of keys for `sendkey`: QEMU's QKeyCode (qapi/ui.json). */
import { HoldfastError } from '../errors.ts';
import { breakBytes, makeBytes } from './scancodes.ts';

const range = (from: string, to: string) =>
  Array.from({ length: to.charCodeAt(0) - from.charCodeAt(0) + 1 }, (_, index) =>
    String.fromCharCode(from.charCodeAt(0) + index),
  );

/** `KeyboardEvent.code` of the same key. */
const codes: Record<string, string> = {
  shift: 'ShiftLeft',
  shift_r: 'ShiftRight',
  alt: 'AltLeft',
  alt_r: 'AltRight',
  ctrl: 'ControlLeft',
  ctrl_r: 'ControlRight',
  meta_l: 'MetaLeft',
  meta_r: 'MetaRight',
  menu: 'ContextMenu',
  compose: 'ContextMenu',
  esc: 'Escape',
  minus: 'Minus',
  equal: 'Equal',
  backspace: 'Backspace',
  tab: 'Tab',
  bracket_left: 'BracketLeft',
  bracket_right: 'BracketRight',
  ret: 'Enter',
  semicolon: 'Semicolon',
  apostrophe: 'Quote',
  grave_accent: 'Backquote',
  backslash: 'Backslash',
  comma: 'Comma',
  dot: 'Period',
  slash: 'Slash',
  asterisk: 'NumpadMultiply',
  spc: 'Space',
  caps_lock: 'CapsLock',
  num_lock: 'NumLock',
  scroll_lock: 'ScrollLock',
  kp_divide: 'NumpadDivide',
  kp_multiply: 'NumpadMultiply',
  kp_subtract: 'NumpadSubtract',
  kp_add: 'NumpadAdd',
  kp_enter: 'NumpadEnter',
  kp_decimal: 'NumpadDecimal',
  kp_equals: 'NumpadEqual',
  kp_comma: 'NumpadComma',
  less: 'IntlBackslash',
  ro: 'IntlRo',
  yen: 'IntlYen',
  sysrq: 'PrintScreen',
  print: 'PrintScreen',
  pause: 'Pause',
  home: 'Home',
  pgup: 'PageUp',
  pgdn: 'PageDown',
  end: 'End',
  left: 'ArrowLeft',
  up: 'ArrowUp',
  down: 'ArrowDown',
  right: 'ArrowRight',
  insert: 'Insert',
  delete: 'Delete',
  power: 'Power',
  sleep: 'Sleep',
  wake: 'WakeUp',
  audionext: 'MediaTrackNext',
  audioprev: 'MediaTrackPrevious',
  audiostop: 'MediaStop',
  audioplay: 'MediaPlayPause',
  audiomute: 'AudioVolumeMute',
  volumeup: 'AudioVolumeUp',
  volumedown: 'AudioVolumeDown',
  mediaselect: 'MediaSelect',
  mail: 'LaunchMail',
  calculator: 'LaunchApp2',
  computer: 'LaunchApp1',
  ac_home: 'BrowserHome',
  ac_back: 'BrowserBack',
  ac_forward: 'BrowserForward',
  ac_refresh: 'BrowserRefresh',
  ac_bookmarks: 'BrowserFavorites',
  find: 'BrowserSearch',
  ...Object.fromEntries(range('a', 'z').map((letter) => [letter, `Key${letter.toUpperCase()}`])),
  ...Object.fromEntries(range('0', '9').map((digit) => [digit, `Digit${digit}`])),
  ...Object.fromEntries(range('0', '9').map((digit) => [`kp_${digit}`, `Numpad${digit}`])),
  ...Object.fromEntries(
    Array.from({ length: 24 }, (_, index) => [`f${index + 1}`, `F${index + 1}`]),
  ),
};

export const keyNames: readonly string[] = Object.keys(codes).sort();

interface Strokes {
  /**
   * Scan codes of the keys going down, in order. `release` has those of their release, in reverse
   * order.
   */
  press: number[];
  release: number[];
}

/**
 * @param keys `ctrl-alt-delete`, or scan codes such as `0x1d-0x2e`, or both
 * @throws HoldfastError `bad-command` for an unknown key
 */
export function strokesOf(keys: string): Strokes {
  const press: number[] = [];
  const release: number[] = [];
  for (const name of splitKeys(keys)) {
    const [down, up] = bytesOf(name);
    press.push(...down);
    release.unshift(...up);
  }
  return { press, release };
}

/** Splits names at `-`, which is also a key: `ctrl--` holds Ctrl and minus. */
function splitKeys(keys: string): string[] {
  return keys
    .replace(/(^|-)-(?=-|$)/g, '$1minus')
    .split('-')
    .map((name) => (name === '<' ? 'less' : name));
}

function bytesOf(name: string): [down: number[], up: number[]] {
  const code = Object.hasOwn(codes, name) ? codes[name] : undefined;
  if (code !== undefined) return [makeBytes(code), breakBytes(code)];
  const scancode = /^0x[0-9a-f]+$/i.test(name) ? Number(name) : Number.NaN;
  if (scancode >= 0x01 && scancode <= 0x7f) return [[scancode], [scancode | 0x80]];
  if (scancode >= 0xe001 && scancode <= 0xe07f)
    return [
      [0xe0, scancode & 0xff],
      [0xe0, (scancode & 0xff) | 0x80],
    ];
  throw new HoldfastError(
    'bad-command',
    `invalid parameter: ${name === '' ? 'a key is missing' : name}`,
  );
}
