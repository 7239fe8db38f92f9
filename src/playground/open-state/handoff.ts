/** Hands a state file over to the page of another machine, through the browser's cache storage. */

const cacheName = 'holdfast.handoff';
const addressFor = (token: string) => new URL(`handoff/${token}`, document.baseURI).href;

/** Leaves a file for the page that gets the token. */
export async function leave(token: string, file: Blob): Promise<void> {
  const cache = await caches.open(cacheName);
  await sweep();
  await cache.put(
    addressFor(token),
    new Response(file, { headers: { [leftAt]: `${Date.now()}` } }),
  );
}

/** After a cancelled or failed opening, the state is kept this long for another try. */
const keptMs = 60 * 60 * 1000;
const leftAt = 'x-left-at';

/** Deletes states that were kept too long. */
export async function sweep(): Promise<void> {
  if (!(await caches.has(cacheName))) return;
  const cache = await caches.open(cacheName);
  for (const request of await cache.keys()) {
    const left = Number((await cache.match(request))?.headers.get(leftAt) ?? 0);
    if (Date.now() - left > keptMs) await cache.delete(request);
  }
}

/** @returns undefined if the token has no file, or its file was deleted */
export async function pickUp(token: string): Promise<Blob | undefined> {
  const cache = await caches.open(cacheName);
  const response = await cache.match(addressFor(token));
  return response?.blob();
}

/** Deletes a state that is no longer needed. */
export async function discard(token: string): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.delete(addressFor(token));
}
