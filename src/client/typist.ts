/** Sends keys to the guest, one after the other. */
import { HoldfastError } from '../errors.ts';
import { strokesOf } from '../pc/keys.ts';
import { typeText, untypableText } from '../pc/typing.ts';
import {
  defaultKeyboardLayout,
  isKeyboardLayout,
  type KeyboardLayout,
} from '../protocol/keyboard-layout-names.ts';

/** Default of QEMU. */
const usualHoldMs = 100;
/** Interval that a guest's BIOS, with a buffer of 16 keys, can keep up with. */
const usualDelayMs = 8;

export interface SendKeyOptions {
  /** Time that the keys are down, ms. Default 100, as QEMU's `sendkey`. */
  holdMs?: number;
}

export interface TypeOptions {
  /** Keyboard layout that the guest is set to. Default: what the machine's configuration says, or `us`. */
  layout?: KeyboardLayout;
  /** Time between two characters, ms. Default 8. */
  delayMs?: number;
}

/** The guest's keyboard. */
interface TypedKeyboard {
  /** Sends scan codes of set 1. */
  scancodes(codes: readonly number[]): Promise<void>;
  keyboardLocks(locks: { caps?: boolean }): Promise<void>;
  /** Returns the layout in the machine's configuration. */
  layout(): KeyboardLayout | undefined;
}

/** Queues its calls: text that is typed at the same time would be mixed. */
export class Typist {
  readonly #keyboard: TypedKeyboard;
  #last: Promise<unknown> = Promise.resolve();

  constructor(keyboard: TypedKeyboard) {
    this.#keyboard = keyboard;
  }

  /** @throws HoldfastError `bad-command` for an unknown key */
  async sendKey(keys: string, { holdMs = usualHoldMs }: SendKeyOptions = {}): Promise<void> {
    const { press, release } = strokesOf(keys);
    return this.#inTurn(async () => {
      await this.#keyboard.scancodes(press);
      try {
        await pause(holdMs);
      } finally {
        await this.#keyboard.scancodes(release);
      }
    });
  }

  /**
   * @throws HoldfastError `bad-command` for characters that the keyboard does not have; none is
   * typed then
   */
  async type(
    text: string,
    { layout: given, delayMs = usualDelayMs }: TypeOptions = {},
  ): Promise<void> {
    const set = given ?? this.#keyboard.layout();
    const layout = isKeyboardLayout(set) ? set : defaultKeyboardLayout;
    const { strokes, untypable } = typeText(text, layout);
    if (untypable.length > 0) {
      throw new HoldfastError('bad-command', untypableText(untypable, layout));
    }
    return this.#inTurn(async () => {
      // The text must arrive unchanged, even if Caps Lock is on in the guest.
      if (strokes.length > 0) await this.#keyboard.keyboardLocks({ caps: false });
      for (const stroke of strokes) {
        await this.#keyboard.scancodes(stroke);
        await pause(delayMs);
      }
    });
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(action);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
