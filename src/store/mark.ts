/**
 * Marks outside IndexedDB of what is stored there, see docs/spec/storage.md [F5]. Cache Storage has files of
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
/** In a header: an answer with a body costs the browser twice as much, at every checkpoint. */
const headerName = 'Holdfast-Mark';
/** After one that did not come about, nothing that is stored waits for another so soon. */
const againMs = 10_000;

/**
 * Each machine has two entries, written in turn: a browser that dies while it replaces an entry has neither the
 * old nor the new one. Absolute: a worker may have a blob as its address.
 */
const urlsOf = (id: string): [string, string] => {
  const url = `${globalThis.origin}/holdfast-mark/${encodeURIComponent(id)}`;
  return [url, `${url}?second`];
};

export class Marks {
  #failedAtMs = Number.NEGATIVE_INFINITY;
  /** The entry to write next: the older one. */
  readonly #next = new Map<string, 0 | 1>();

  /**
   * Of each checkpoint: where both places lose the newest, an older one is resumed, and only the mark
   * knows. Never rejects: a mark that cannot be written is missed only after a loss.
   */
  async put({ id, name, takenAtMs }: Mark): Promise<void> {
    if (performance.now() - this.#failedAtMs < againMs) return;
    const isPut = await this.#try(async (cache) => {
      const turn = this.#next.get(id) ?? (await olderOf(cache, id));
      const mark = JSON.stringify({ id, name, takenAtMs } satisfies Mark);
      // Headers hold no more than Latin-1.
      const headers = { [headerName]: encodeURIComponent(mark) };
      await cache.put(urlsOf(id)[turn], new Response(null, { headers }));
      this.#next.set(id, turn === 0 ? 1 : 0);
      return true;
    });
    if (!isPut) this.#failedAtMs = performance.now();
  }

  async delete(id: string): Promise<void> {
    await this.#try((cache) => Promise.all(urlsOf(id).map((url) => cache.delete(url))));
    this.#next.delete(id);
  }

  /** Leaves the mark of a machine that was stored anew meanwhile. */
  async deleteUpTo({ id, takenAtMs }: Mark): Promise<void> {
    await this.#try(async (cache) => {
      for (const url of urlsOf(id)) {
        const mark = await markAt(cache, url);
        if (mark && mark.takenAtMs <= takenAtMs) await cache.delete(url);
      }
    });
  }

  /** The newest of each machine. */
  async all(): Promise<Mark[]> {
    const found = await this.#try(async (cache) => {
      const keys = await cache.keys();
      return Promise.all(keys.map((key) => markAt(cache, key)));
    });
    const newest = new Map<string, Mark>();
    for (const mark of found ?? [])
      if (mark && mark.takenAtMs > (newest.get(mark.id)?.takenAtMs ?? Number.NEGATIVE_INFINITY))
        newest.set(mark.id, mark);
    return [...newest.values()];
  }

  #try<T>(work: (cache: Cache) => Promise<T>): Promise<T | undefined> {
    return inCache(cacheName, work);
  }
}

/** Which of the two entries of a machine is to be replaced. */
async function olderOf(cache: Cache, id: string): Promise<0 | 1> {
  const [first, second] = await Promise.all(urlsOf(id).map((url) => markAt(cache, url)));
  return (first?.takenAtMs ?? 0) > (second?.takenAtMs ?? 0) ? 1 : 0;
}

/** Undefined for one that is missing or torn: the other ones still count. */
async function markAt(cache: Cache, at: Request | string): Promise<Mark | undefined> {
  try {
    const answer = await cache.match(at);
    const mark = answer?.headers.get(headerName);
    // Earlier versions wrote it as the body.
    return mark ? JSON.parse(decodeURIComponent(mark)) : await answer?.json();
  } catch {
    return undefined;
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
