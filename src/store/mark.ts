/**
 * Marks outside IndexedDB of what is stored there, see docs/spec/storage.md [F5]. Cache Storage has files of
 * its own and no LevelDB. Where it is missing (insecure origins) there are no marks.
 */
import { answerTo } from './answers.ts';

/** A machine that was stored. */
export interface Mark {
  id: string;
  name: string;
  /** Time of its last checkpoint. */
  takenAtMs: number;
}

const cacheName = 'holdfast-marks';
/**
 * Name of the header with the mark: a response with a body costs twice as much, at every
 * checkpoint.
 */
const headerName = 'Holdfast-Mark';
/** After a failed mark, no write waits for another one for this time. */
const againMs = 10_000;

/**
 * Returns the URLs of a machine's two entries, written in turn. A browser that dies while it
 * replaces an entry loses both its old and its new version. Absolute: a worker's address may be a
 * blob.
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
   * Marks each checkpoint. If both places lose the newest one, an older one is resumed, and only
   * the mark shows it. Never rejects: a missing mark matters only after a loss.
   */
  async put({ id, name, takenAtMs }: Mark): Promise<void> {
    if (performance.now() - this.#failedAtMs < againMs) return;
    const isPut = await this.#try(async (cache) => {
      const turn = this.#next.get(id) ?? (await olderOf(cache, id));
      const mark = JSON.stringify({ id, name, takenAtMs } satisfies Mark);
      // Headers are limited to Latin-1.
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

  /** Deletes a mark, unless its machine was stored again in between. */
  async deleteUpTo({ id, takenAtMs }: Mark): Promise<void> {
    await this.#try(async (cache) => {
      for (const url of urlsOf(id)) {
        const mark = await markAt(cache, url);
        if (mark && mark.takenAtMs <= takenAtMs) await cache.delete(url);
      }
    });
  }

  /** Returns the newest mark of each machine. */
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

/** Returns which of a machine's two entries to replace. */
async function olderOf(cache: Cache, id: string): Promise<0 | 1> {
  const [first, second] = await Promise.all(urlsOf(id).map((url) => markAt(cache, url)));
  return (first?.takenAtMs ?? 0) > (second?.takenAtMs ?? 0) ? 1 : 0;
}

/** Returns a mark; undefined if it is missing or torn: the other ones still count. */
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

/** Returns undefined if the work fails: no write waits for a Cache Storage that does not answer. */
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
