/** A state in IndexedDB, as plainly as a page would keep it. */
const store = 'states';
const key = 'state';

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open('stock', 1);
  request.onupgradeneeded = () => request.result.createObjectStore(store);
  return settled(request);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Resolves once the state is on disk, because the page is about to close. */
export async function putState(state: ArrayBuffer): Promise<void> {
  const transaction = (await open()).transaction(store, 'readwrite', { durability: 'strict' });
  transaction.objectStore(store).put(state, key);
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

export async function getState(): Promise<ArrayBuffer> {
  return settled((await open()).transaction(store).objectStore(store).get(key));
}

export async function deleteState(): Promise<void> {
  await settled((await open()).transaction(store, 'readwrite').objectStore(store).clear());
}
