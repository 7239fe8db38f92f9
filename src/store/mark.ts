/**
 * Marks outside IndexedDB of what is stored there, see DURABILITY.md [F5]. Cache Storage has files of
 * its own and no LevelDB. Where it is missing (insecure origins) there are no marks.
 */
import { answerTo } from './answers.ts';

/** A machine that was stored. */
export interface Mark {
  id: string;
  name: string;
  /** Of its last checkpoint, or a little earlier. */
  takenAtMs: number;
}

const cacheName = 'holdfast-marks';
/** A mark says how much was lost, roughly: it need not follow each checkpoint. */
const refreshMs = 10_000;

/** Absolute: a worker may have a blob as its address. */
const urlOf = (id: string) => `${globalThis.origin}/holdfast-mark/${encodeURIComponent(id)}`;

export class Marks {
  readonly #markedAt = new Map<string, { name: string; takenAtMs: number }>();

  /** Never rejects: a mark that cannot be written is missed only after a loss. */
  async put({ id, name, takenAtMs }: Mark): Promise<void> {
    const last = this.#markedAt.get(id);
    if (last?.name === name && takenAtMs - last.takenAtMs < refreshMs) return;
    this.#markedAt.set(id, { name, takenAtMs });
    await this.#try(async (cache) => {
      const body = JSON.stringify({ id, name, takenAtMs } satisfies Mark);
      await cache.put(urlOf(id), new Response(body));
    });
  }

  async delete(id: string): Promise<void> {
    this.#markedAt.delete(id);
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
