/** Which keys the guest believes are down. No DOM. */
import { breakBytes, makeBytes } from './scancodes.ts';

/** Turns key events into scan codes, and never leaves a key down. */
export class PressedKeys {
  readonly #down = new Set<string>();

  /** A key goes down or repeats. Empty for keys a PC does not have. */
  press(code: string): number[] {
    const bytes = makeBytes(code);
    // Pause releases itself.
    if (bytes.length > 0 && code !== 'Pause') this.#down.add(code);
    return bytes;
  }

  /** A key goes up. Empty for one that went down elsewhere. */
  release(code: string): number[] {
    return this.#down.delete(code) ? breakBytes(code) : [];
  }

  /** All keys go up: the keyboard is somewhere else now. */
  releaseAll(): number[] {
    const bytes = [...this.#down].reverse().flatMap(breakBytes);
    this.#down.clear();
    return bytes;
  }
}
