/** Scan codes of set 1, as a PC's keyboard controller hands them to the guest. */

/** Scan codes that belong together: a key going down or up, with its prefix. */
export type KeyBytes = readonly number[];

const prefix = 0xe0;
/** Begins Pause, three bytes down and three up. */
const pausePrefix = 0xe1;
const released = 0x80;

/** Cuts scan codes where one key ends and the next begins. A prefix at the end stands for itself. */
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

/** Which keys are down, by their make codes: 0xe0xx for those with a prefix. */
export class KeysDown {
  readonly #down = new Set<number>();

  get size(): number {
    return this.#down.size;
  }

  has(make: number): boolean {
    return this.#down.has(make);
  }

  /** Whether the key is down, and goes up by it. */
  isReleasedBy(key: KeyBytes): boolean {
    const make = makeOf(key);
    return make !== undefined && isRelease(key) && this.#down.has(make);
  }

  /** @returns whether the key goes down and was not before */
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

  /** In the order in which they went down. */
  makes(): number[] {
    return [...this.#down];
  }

  clear(): void {
    this.#down.clear();
  }
}

const isRelease = (key: KeyBytes) => ((key.at(-1) ?? 0) & released) !== 0;

/** The make code of a key that goes down or up; undefined for Pause and for what is no key. */
export function makeOf(key: KeyBytes): number | undefined {
  const [first = 0, second] = key;
  if (first === pausePrefix || (first === prefix && second === undefined)) return undefined;
  const code = (second ?? first) & ~released;
  return first === prefix ? (prefix << 8) | code : code;
}

/** The scan codes that let keys go, last one first, as hands do. */
export function releaseOf(makes: readonly number[]): number[] {
  return [...makes].reverse().flatMap((make) => {
    const code = (make & 0xff) | released;
    return make > 0xff ? [prefix, code] : [code];
  });
}
