/** Caps Lock and Num Lock of the guest, kept the same as those of the keyboard in front of the user. */
import { type KeyBytes, KeysDown, makeOf } from '../../protocol/scan-codes.ts';

/** Absent: not known, or of no interest. */
export interface Locks {
  caps?: boolean | undefined;
  num?: boolean | undefined;
}

type Lock = keyof Locks;

/** Make codes. */
const lockKeys = { caps: 0x3a, num: 0x45 } as const satisfies Record<Lock, number>;
const locks = Object.keys(lockKeys) as Lock[];

/** Keys whose characters change with Caps Lock on one layout or another, and with Num Lock. */
const changing: Readonly<Record<Lock, (make: number) => boolean>> = {
  caps: (make) =>
    (make >= 0x02 && make <= 0x0d) ||
    (make >= 0x10 && make <= 0x1b) ||
    (make >= 0x1e && make <= 0x29) ||
    (make >= 0x2b && make <= 0x35) ||
    make === 0x56,
  num: (make) => make >= 0x47 && make <= 0x53 && make !== 0x4a && make !== 0x4e,
};

export class LockKeys {
  /** What the guest's lights show, once it has set them, or will when it has seen the keys of now. */
  #guest: Locks | undefined;
  /** What they show where the user sits. */
  #wanted: Locks = {};
  readonly #down = new KeysDown();

  get lights(): Locks | undefined {
    return this.#guest;
  }

  /** The guest has set its lights. */
  shown(lights: Locks): void {
    this.#guest = { ...lights };
  }

  follow(wanted: Locks): void {
    this.#wanted = { ...this.#wanted, ...wanted };
  }

  /** A key is on its way to the guest. */
  delivered(key: KeyBytes): void {
    const isNew = this.#down.note(key);
    const lock = locks.find((name) => lockKeys[name] === makeOf(key));
    if (!lock || !isNew) return;
    // Its user presses it on purpose: what is wanted changes with it.
    if (this.#wanted[lock] !== undefined && this.#wanted[lock] === this.#guest?.[lock])
      this.#wanted[lock] = !this.#wanted[lock];
    if (this.#guest?.[lock] !== undefined) this.#guest[lock] = !this.#guest[lock];
  }

  /** The lock key to press before this one, where the guest would take it for another. */
  wrongFor(key: KeyBytes): number | undefined {
    const make = makeOf(key);
    const isPress = ((key.at(-1) ?? 0) & 0x80) === 0;
    if (make === undefined || !isPress) return undefined;
    const wrong = locks.find((name) => {
      const wanted = this.#wanted[name];
      const guest = this.#guest?.[name];
      if (wanted === undefined || guest === undefined || wanted === guest) return false;
      return changing[name](make);
    });
    return wrong && lockKeys[wrong];
  }

  clear(): void {
    this.#guest = undefined;
    this.#down.clear();
  }
}
