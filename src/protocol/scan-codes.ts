/** Scan codes of set 1, as a PC's keyboard controller passes them to the guest. */

/** Scan codes that belong together: a key going down or up, with its prefix. */
export type KeyBytes = readonly number[];

const prefix = 0xe0;
/** First byte of Pause, which has three bytes down and three up. */
const pausePrefix = 0xe1;
const released = 0x80;

/** Splits scan codes into keys. A prefix at the end is a key of its own. */
export function keysIn(codes: Iterable<number>): KeyBytes[] {
  const keys: KeyBytes[] = [];
  let key: number[] = [];
  for (const code of codes) {
    key.push(code);
    const wanted = key[0] === pausePrefix ? 3 : key[0] === prefix ? 2 : 1;
    if (key.length < wanted) continue;
    keys.push(key);
    key = [];
  }
  if (key.length > 0) keys.push(key);
  return keys;
}

/** The keys that are down, by make code: 0xe0xx for those with a prefix. */
export class KeysDown {
  readonly #down = new Set<number>();

  get size(): number {
    return this.#down.size;
  }

  has(make: number): boolean {
    return this.#down.has(make);
  }

  /** Returns true if the key is down and these bytes release it. */
  isReleasedBy(key: KeyBytes): boolean {
    const make = makeOf(key);
    return make !== undefined && isRelease(key) && this.#down.has(make);
  }

  /** @returns true if the key goes down and was up before */
  note(key: KeyBytes): boolean {
    const make = makeOf(key);
    if (make === undefined) return false;
    if (isRelease(key)) {
      this.#down.delete(make);
      return false;
    }
    const isNew = !this.#down.has(make);
    this.#down.add(make);
    return isNew;
  }

  /** Returns the make codes in the order in which the keys went down. */
  makes(): number[] {
    return [...this.#down];
  }

  clear(): void {
    this.#down.clear();
  }
}

const isRelease = (key: KeyBytes) => ((key.at(-1) ?? 0) & released) !== 0;

/**
 * Returns the make code of a key that goes down or up; undefined for Pause and for invalid bytes.
 */
export function makeOf(key: KeyBytes): number | undefined {
  const [first = 0, second] = key;
  if (first === pausePrefix || (first === prefix && second === undefined)) return undefined;
  const code = (second ?? first) & ~released;
  return first === prefix ? (prefix << 8) | code : code;
}

/** Returns the scan codes that release keys, the last one first, as hands do. */
export function releaseOf(makes: readonly number[]): number[] {
  return [...makes].reverse().flatMap((make) => {
    const code = (make & 0xff) | released;
    return make > 0xff ? [prefix, code] : [code];
  });
}
