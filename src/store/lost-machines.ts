/** What was stored and is not there any more, see docs/spec/storage.md [F5]. */
import type { Marks } from './mark.ts';
import type { LostMachine, StoredMachine } from './types.ts';

/**
 * What was found in this life of the worker: a store that is opened again after a failure finds nothing
 * of it, once newer checkpoints are marked.
 */
const foundBefore = new Map<string, LostMachine>();

export class LostMachines {
  readonly #marks: Marks | undefined;
  readonly #stored: () => Promise<StoredMachine[]>;
  #looking: Promise<boolean> | undefined;

  constructor(marks: Marks | undefined, stored: () => Promise<StoredMachine[]>) {
    this.#marks = marks;
    this.#stored = stored;
  }

  /** Comes before anything is stored in the place of what is gone. Never rejects. */
  async look(): Promise<void> {
    this.#looking ??= this.#compare();
    const looking = this.#looking;
    // What cannot be read now may be read later; until then nothing is known to be lost.
    if (!(await looking) && this.#looking === looking) this.#looking = undefined;
  }

  /** To be told. A mark without its machine goes with it, and would be news again at the next start. */
  async tell(): Promise<LostMachine[]> {
    await this.look();
    const lost = [...foundBefore.values()];
    const untold = lost.filter((machine) => !told.has(machine));
    for (const machine of untold) told.add(machine);
    await Promise.all(untold.map((machine) => this.#marks?.deleteUpTo(machine)));
    return lost;
  }

  /** @returns whether it could be found out */
  async #compare(): Promise<boolean> {
    if (!this.#marks) return true;
    try {
      // Other workers store and delete meanwhile. Marks are written last, and deleted first.
      const marked = await this.#marks.all();
      if (marked.length === 0) return true;
      const machines = await this.#stored();
      const left = new Map(machines.map(({ id, takenAtMs }) => [id, takenAtMs]));
      const missing = marked.filter(({ id, takenAtMs }) => (left.get(id) ?? 0) < takenAtMs);
      if (missing.length === 0) return true;
      const marksNow = await this.#marks.all();
      for (const mark of missing) {
        if (!marksNow.some(({ id }) => id === mark.id)) continue;
        const leftAtMs = left.get(mark.id);
        foundBefore.set(mark.id, {
          ...mark,
          foundAtMs: Date.now(),
          ...(leftAtMs !== undefined && { leftAtMs }),
        });
      }
      return true;
    } catch {
      return false;
    }
  }
}

const told = new WeakSet<LostMachine>();
