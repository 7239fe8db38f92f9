/** A state file on its way to the page of another machine: by way of the browser's cache storage. */

const cacheName = 'holdfast.handoff';
const addressFor = (token: string) => new URL(`handoff/${token}`, document.baseURI).href;

/** Leaves a file for the page that is told the token. */
export async function leave(token: string, file: Blob): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.put(addressFor(token), new Response(file));
}

/** @returns undefined when nothing is there, or no more */
export async function pickUp(token: string): Promise<Blob | undefined> {
  const cache = await caches.open(cacheName);
  const response = await cache.match(addressFor(token));
  return response?.blob();
}

/** What was left is no longer needed. */
export async function discard(token: string): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.delete(addressFor(token));
}
