/** Requests in flight while the guest waits for none. They use a connection to the full. */
const mostBehind = 3;
/** The same soon after the guest has waited: what it waits for next shares the connection with few. */
const fewBehind = 1;
/** Requests in flight in all. Browsers have six connections to a server. */
const mostAtOnce = 5;

/** The packs that are to be read: those that the guest waits for first, then the others in their order. */
export class PackQueue {
  readonly #waiting: Set<number>;
  readonly #wanted = new Set<number>();
  /** Packs in flight. True for one that the guest waits for. */
  readonly #reading = new Map<number, boolean>();

  constructor(packs: Iterable<number>) {
    this.#waiting = new Set(packs);
  }

  get isEmpty(): boolean {
    return this.#waiting.size + this.#reading.size === 0;
  }

  want(pack: number): void {
    if (this.#reading.has(pack)) this.#reading.set(pack, true);
    else if (this.#waiting.has(pack)) this.#wanted.add(pack);
  }

  /**
   * Takes the next pack to read.
   * @param isCalm true if the guest has not waited for a while
   * @returns undefined if enough are being read
   */
  next(isCalm: boolean): number | undefined {
    if (this.#reading.size >= mostAtOnce) return undefined;
    const [wanted] = this.#wanted;
    if (wanted !== undefined) return this.#take(wanted, true);
    // They would share the connection with what the guest waits for.
    const isWaited = [...this.#reading.values()].includes(true);
    if (isWaited || this.#reading.size >= (isCalm ? mostBehind : fewBehind)) return undefined;
    const [first] = this.#waiting;
    return first === undefined ? undefined : this.#take(first, false);
  }

  /** The pack was read. */
  done(pack: number): void {
    this.#reading.delete(pack);
    this.#waiting.delete(pack);
    this.#wanted.delete(pack);
  }

  /** The pack could not be read: it is the next of its kind. */
  again(pack: number): void {
    const isWanted = this.#reading.get(pack);
    this.#reading.delete(pack);
    if (isWanted) this.#wanted.add(pack);
    const others = [...this.#waiting];
    this.#waiting.clear();
    for (const each of [pack, ...others]) this.#waiting.add(each);
  }

  #take(pack: number, isWanted: boolean): number {
    this.#waiting.delete(pack);
    this.#wanted.delete(pack);
    this.#reading.set(pack, isWanted);
    return pack;
  }
}
