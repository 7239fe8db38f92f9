/**
 * The words of Packer's `boot_command`, with waits for text on the screen in place of pauses.
 *
 * - text is typed
 * - `<enter>`, `<esc>`, `<f1>`, `<up>`, `<spacebar>`, … press a key; `<ctrl-alt-delete>` or any other
 *   combination of QEMU's key names works as well
 * - `<leftCtrlOn>c<leftCtrlOff>` holds a key down around others
 * - `<wait "boot:">` and `<wait /[Bb]oot:/>` wait until the screen shows it
 * - `<wait>` waits until the screen stands still
 * - `<wait5>`, `<wait10s>`, `<wait1m>` wait for that time: for guests that show nothing
 * - `<lt>` and `<gt>` are `<` and `>`
 */

type BootStep =
  | { do: 'type'; text: string }
  | { do: 'press'; keys: string }
  | { do: 'wait-for-text'; pattern: RegExp }
  | { do: 'wait-for-still-screen' }
  | { do: 'pause'; ms: number };

/** Packer's names of keys with another name in QEMU, in lower case. */
const packerKeys: Record<string, string> = {
  enter: 'ret',
  return: 'ret',
  bs: 'backspace',
  del: 'delete',
  spacebar: 'spc',
  pageup: 'pgup',
  pagedown: 'pgdn',
  leftalt: 'alt',
  leftctrl: 'ctrl',
  leftshift: 'shift',
  leftsuper: 'meta_l',
  rightalt: 'alt_r',
  rightctrl: 'ctrl_r',
  rightshift: 'shift_r',
  rightsuper: 'meta_r',
};
const keyOf = (word: string) => packerKeys[word.toLowerCase()] ?? word.toLowerCase();

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, '': 1000 };

/** Characters that need no Shift, for keys pressed while another is held. */
const namedCharacters: Record<string, string> = {
  ' ': 'spc',
  '\n': 'ret',
  '\t': 'tab',
  '-': 'minus',
  '=': 'equal',
  '.': 'dot',
  ',': 'comma',
  '/': 'slash',
};

/** @throws Error that names the unknown word */
export function parseBootCommand(command: string | readonly string[]): BootStep[] {
  const steps: BootStep[] = [];
  const held: string[] = [];
  for (const line of typeof command === 'string' ? [command] : command) {
    for (const [, quoted, source, flags, word, text = ''] of line.matchAll(token)) {
      if (quoted !== undefined) {
        steps.push({ do: 'wait-for-text', pattern: new RegExp(escapeRegExp(quoted)) });
      } else if (source !== undefined) {
        steps.push({ do: 'wait-for-text', pattern: new RegExp(source, flags) });
      } else if (word !== undefined) {
        addWord(word, steps, held);
      } else {
        addText(text, steps, held);
      }
    }
  }
  if (held.length > 0) throw new Error(`The boot command never lets ${held.join(' and ')} go.`);
  return steps;
}

const token =
  /<wait\s+"([^"]*)"\s*>|<wait\s+\/((?:[^/\\]|\\.)+)\/([a-z]*)\s*>|<([^<>]*)>|([^<]+|<)/gs;

function addWord(word: string, steps: BootStep[], held: string[]): void {
  const pause = /^wait(\d+)(ms|s|m|)$/i.exec(word);
  const hold = /^(\w+?)(On|Off)$/.exec(word);
  if (word === 'wait') steps.push({ do: 'wait-for-still-screen' });
  else if (pause) {
    steps.push({
      do: 'pause',
      ms: Number(pause[1]) * (unitMs[pause[2]?.toLowerCase() ?? ''] ?? 0),
    });
  } else if (word === 'lt' || word === 'gt') addText(word === 'lt' ? '<' : '>', steps, held);
  else if (hold?.[2] === 'On') held.push(keyOf(hold[1] ?? ''));
  else if (hold) releaseKey(keyOf(hold[1] ?? ''), word, held);
  else if (/^\w+([-+]\w+)*$/.test(word)) {
    const keys = word.split(/[-+]/).map(keyOf);
    steps.push({ do: 'press', keys: [...held, ...keys].join('-') });
  } else {
    throw new Error(
      `The boot command has <${word}>, which is no key and no wait. Write <lt> for a "<".`,
    );
  }
}

function releaseKey(key: string, word: string, held: string[]): void {
  const at = held.indexOf(key);
  if (at < 0) throw new Error(`The boot command has <${word}> for a key that is not held down.`);
  held.splice(at, 1);
}

function addText(text: string, steps: BootStep[], held: readonly string[]): void {
  if (held.length === 0) {
    const last = steps.at(-1);
    if (last?.do === 'type') last.text += text;
    else steps.push({ do: 'type', text });
    return;
  }
  for (const character of text) {
    const key = namedCharacters[character] ?? character;
    steps.push({ do: 'press', keys: [...held, key].join('-') });
  }
}

const escapeRegExp = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
