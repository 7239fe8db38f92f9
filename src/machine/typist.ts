/** Keys for the guest, one after the other. */
import { CprError } from '../errors.ts';
import type { KeyboardLayout } from '../pc/keyboard-layouts.ts';
import { strokesOf } from '../pc/keys.ts';
import { typeText } from '../pc/typing.ts';

/** QEMU's. */
const usualHoldMs = 100;
/** As fast as a guest's BIOS, with room for 16 keys, can be trusted to read. */
const usualDelayMs = 8;

export interface SendKeyOptions {
  /** How long the keys are down, ms. Default 100, as QEMU's `sendkey`. */
  holdMs?: number;
}

export interface TypeOptions {
  /** What the guest's keyboard is set to. Default `us`. */
  layout?: KeyboardLayout;
  /** Between two characters, ms. Default 8. */
  delayMs?: number;
}

/** Whatever takes scan codes, set 1. */
type Send = (codes: readonly number[]) => Promise<void>;

/** What is typed together would be mixed up. */
export class Typist {
  readonly #send: Send;
  #last: Promise<unknown> = Promise.resolve();

  constructor(send: Send) {
    this.#send = send;
  }

  /** @throws CprError `bad-command` for a key that there is not */
  async sendKey(keys: string, { holdMs = usualHoldMs }: SendKeyOptions = {}): Promise<void> {
    const { press, release } = strokesOf(keys);
    return this.#inTurn(async () => {
      await this.#send(press);
      try {
        await pause(holdMs);
      } finally {
        await this.#send(release);
      }
    });
  }

  /** @throws CprError `bad-command` for characters that the keyboard does not have; none is typed then */
  async type(
    text: string,
    { layout = 'us', delayMs = usualDelayMs }: TypeOptions = {},
  ): Promise<void> {
    const { strokes, untypable } = typeText(text, layout);
    if (untypable.length > 0) {
      throw new CprError(
        'bad-command',
        `A "${layout}" keyboard has no key for ${untypable.join(' ')}.`,
      );
    }
    return this.#inTurn(async () => {
      for (const stroke of strokes) {
        await this.#send(stroke);
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
