/**
 * Marks outside IndexedDB of what is stored there, see DURABILITY.md [F5]. Cache Storage has files of
 * its own and no LevelDB. Where it is missing (insecure origins) there are no marks.
 */
import { answerTo } from './answers.ts';

/** A machine that was stored. */
export interface Mark {
  id: string;
  name: string;
  /** Of its last checkpoint. */
  takenAtMs: number;
}

const cacheName = 'holdfast-marks';
/** After one that did not come about, nothing that is stored waits for another so soon. */
const againMs = 10_000;

/** Absolute: a worker may have a blob as its address. */
const urlOf = (id: string) => `${globalThis.origin}/holdfast-mark/${encodeURIComponent(id)}`;

export class Marks {
  #failedAtMs = Number.NEGATIVE_INFINITY;

  /**
   * Of each checkpoint: where both places lose the newest, an older one is resumed, and only the mark
   * knows. Never rejects: a mark that cannot be written is missed only after a loss.
   */
  async put({ id, name, takenAtMs }: Mark): Promise<void> {
    if (performance.now() - this.#failedAtMs < againMs) return;
    const isPut = await this.#try(async (cache) => {
      const body = JSON.stringify({ id, name, takenAtMs } satisfies Mark);
      await cache.put(urlOf(id), new Response(body));
      return true;
    });
    if (!isPut) this.#failedAtMs = performance.now();
  }

  async delete(id: string): Promise<void> {
    await this.#try((cache) => cache.delete(urlOf(id)));
  }

  async all(): Promise<Mark[]> {
    const found = await this.#try(async (cache) => {
      const answers = await Promise.all((await cache.keys()).map((key) => cache.match(key)));
      return Promise.all(answers.map((answer) => answer?.json() as Promise<Mark | undefined>));
    });
    return (found ?? []).filter((mark) => mark !== undefined);
  }

  #try<T>(work: (cache: Cache) => Promise<T>): Promise<T | undefined> {
    return inCache(cacheName, work);
  }
}

/** Undefined where it cannot be done: nothing that is stored waits for a Cache Storage that does not answer. */
export async function inCache<T>(
  name: string,
  work: (cache: Cache) => Promise<T>,
): Promise<T | undefined> {
  if (typeof caches === 'undefined') return undefined;
  try {
    return await answerTo(caches.open(name).then(work), 'remember what is stored');
  } catch (thrown) {
    console.info('Marks of stored machines:', thrown);
    return undefined;
  }
}
