/** Keys that are down for the guest. No DOM. */
import { breakBytes, makeBytes } from './scancodes.ts';

/** Turns key events into scan codes, and never leaves a key down. */
export class PressedKeys {
  readonly #down = new Set<string>();

  /**
   * Returns the scan codes of a key that goes down or repeats. Empty for keys that a PC does not
   * have.
   */
  press(code: string): number[] {
    const bytes = makeBytes(code);
    // Pause releases itself.
    if (bytes.length > 0 && code !== 'Pause') this.#down.add(code);
    return bytes;
  }

  /** Returns the scan codes of a key that goes up. Empty for one that went down elsewhere. */
  release(code: string): number[] {
    return this.#down.delete(code) ? breakBytes(code) : [];
  }

  /** Returns the scan codes that release all keys, because the keyboard now has another target. */
  releaseAll(): number[] {
    const bytes = [...this.#down].reverse().flatMap(breakBytes);
    this.#down.clear();
    return bytes;
  }
}
