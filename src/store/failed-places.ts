/**
 * Places whose disk refused a write, remembered outside of them: the flag `retired` ends with the browser,
 * and the torn end of a log does not. They are read, and never written to again. See docs/spec/storage.md [F2].
 */
import { inCache } from './mark.ts';

const cacheName = 'holdfast-failed-places';
/** Absolute: a worker's address may be a blob. */
const urlOf = (place: number) => `${globalThis.origin}/holdfast-failed-place/${place}`;

export class FailedPlaces {
  /** Records a place. For a disk without room for this see also [F8]. Never rejects. */
  async add(place: number): Promise<void> {
    await inCache(cacheName, (cache) => cache.put(urlOf(place), new Response('')));
  }

  async has(place: number): Promise<boolean> {
    const found = await inCache(cacheName, (cache) => cache.match(urlOf(place)));
    return found !== undefined;
  }

  /** Removes a deleted place: its number may be used again. */
  async delete(place: number): Promise<void> {
    await inCache(cacheName, (cache) => cache.delete(urlOf(place)));
  }
}
