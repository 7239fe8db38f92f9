/** Machines that were stored and are missing now, see docs/spec/storage.md [F5]. */
import type { Marks } from './mark.ts';
import type { LostMachine, StoredMachine } from './types.ts';

/**
 * Losses found in this life of the worker. A store that is opened again after a failure would not
 * find them again once newer checkpoints are marked.
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

  /** Finds losses before anything is stored in place of the lost data. Never rejects. */
  async look(): Promise<void> {
    this.#looking ??= this.#compare();
    const looking = this.#looking;
    // Data that is unreadable now may be readable later; until then no loss is certain.
    if (!(await looking) && this.#looking === looking) this.#looking = undefined;
  }

  /**
   * Returns the losses, and deletes marks without a machine, so that the next start does not report
   * them again.
   */
  async report(): Promise<LostMachine[]> {
    await this.look();
    const lost = [...foundBefore.values()];
    const untold = lost.filter((machine) => !reported.has(machine));
    for (const machine of untold) reported.add(machine);
    await Promise.all(untold.map((machine) => this.#marks?.deleteUpTo(machine)));
    return lost;
  }

  /** @returns true if the comparison was possible */
  async #compare(): Promise<boolean> {
    if (!this.#marks) return true;
    try {
      // Other workers store and delete at the same time. Marks are written last, and deleted first.
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

const reported = new WeakSet<LostMachine>();
