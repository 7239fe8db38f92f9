/** Keeps the guest's Caps Lock and Num Lock the same as those of the user's keyboard. */
import { type KeyBytes, KeysDown, makeOf } from '../../protocol/scan-codes.ts';

/** Absent: unknown or irrelevant. */
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

/**
 * Slices of the guest, about a millisecond each while it is busy. Linux sets its lights some 50 ms after
 * it has read the key. A busy guest takes longer. If the lock has changed back by then, nothing is set.
 */
const settledAfter = 2000;

/**
 * The guest sets its lights some time after it has read a lock key. It may have the next key by then.
 * So a change of the lights answers the oldest press without an answer. It says nothing about later
 * presses.
 */
export class LockKeys {
  /** The guest's lights, once it has set them. */
  #shown: Locks | undefined;
  /** Presses of each lock key that the lights do not show yet. */
  #unanswered: Record<Lock, number> = { caps: 0, num: 0 };
  /** Pressed, and not read by the guest: its lights cannot show that. */
  #unread: Lock | undefined;
  /** Slices of the guest since it read a lock key. */
  #slices = 0;
  /** The lights of the user's keyboard. */
  #wanted: Locks = {};
  readonly #down = new KeysDown();

  /** The guest's lights once it has read all keys so far. */
  get lights(): Locks | undefined {
    return this.#shown && { caps: this.#expected('caps'), num: this.#expected('num') };
  }

  /** How many presses of each lock key {@link lights} is ahead of the guest's lights. */
  get unanswered(): Readonly<Record<Lock, number>> {
    return { ...this.#unanswered };
  }

  /** Records the lights that the guest has set. */
  shown(lights: Locks): void {
    for (const lock of locks) {
      const unread = this.#unread === lock ? 1 : 0;
      const isLate = this.#shown !== undefined && !this.#isSettled;
      const isAnswer = isLate && lights[lock] !== this.#shown?.[lock];
      if (!isLate) this.#unanswered[lock] = unread;
      else if (isAnswer && this.#unanswered[lock] > unread) this.#unanswered[lock]--;
    }
    this.#shown = { ...lights };
  }

  /** Restores {@link lights} and {@link unanswered} of a saved state. */
  load(lights: Locks, unanswered: Partial<Record<Lock, number>> = {}): void {
    this.#unanswered = { caps: unanswered.caps ?? 0, num: unanswered.num ?? 0 };
    // The one follows from the other either way round.
    this.#shown = lights;
    this.#shown = { caps: this.#expected('caps'), num: this.#expected('num') };
  }

  follow(wanted: Locks): void {
    this.#wanted = { ...this.#wanted, ...wanted };
  }

  /** Records a key on its way to the guest. */
  delivered(key: KeyBytes): void {
    const isNew = this.#down.note(key);
    const lock = locks.find((name) => lockKeys[name] === makeOf(key));
    if (!lock || !isNew) return;
    // Its user presses it on purpose: what is wanted changes with it.
    if (this.#wanted[lock] !== undefined && this.#wanted[lock] === this.#expected(lock))
      this.#wanted[lock] = !this.#wanted[lock];
    // Unanswered presses are dropped once the lights have settled.
    if (this.#isSettled && this.lights) this.load(this.lights);
    this.#unanswered[lock]++;
    this.#unread = lock;
  }

  /** The guest has read the key that was delivered last. */
  read(): void {
    if (this.#unread) this.#slices = 0;
    this.#unread = undefined;
  }

  /** The guest has run for a slice. */
  ran(): void {
    this.#slices++;
  }

  /** Returns the lock key to press first, if the guest would otherwise misread this key. */
  wrongFor(key: KeyBytes): number | undefined {
    const make = makeOf(key);
    const isPress = ((key.at(-1) ?? 0) & 0x80) === 0;
    if (make === undefined || !isPress) return undefined;
    const wrong = locks.find((name) => {
      const wanted = this.#wanted[name];
      const guest = this.#expected(name);
      if (wanted === undefined || guest === undefined || wanted === guest) return false;
      return changing[name](make);
    });
    return wrong && lockKeys[wrong];
  }

  clear(): void {
    this.#shown = undefined;
    this.#unanswered = { caps: 0, num: 0 };
    this.#unread = undefined;
    this.#down.clear();
  }

  get #isSettled(): boolean {
    return this.#slices >= settledAfter;
  }

  #expected(lock: Lock): boolean | undefined {
    const shown = this.#shown?.[lock];
    return shown === undefined ? undefined : shown !== (this.#unanswered[lock] % 2 === 1);
  }
}
