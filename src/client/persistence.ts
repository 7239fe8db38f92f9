/**
 * Asks the browser not to evict the stored data; it may ask its user. Only a page can ask, not its worker.
 * @returns false if the browser refuses, or cannot be asked
 */
export async function requestPersistence(): Promise<boolean> {
  // Missing on insecure origins, although the types declare it.
  const storage = navigator.storage as StorageManager | undefined;
  try {
    return (await storage?.persist?.()) ?? false;
  } catch {
    // An opaque origin: it stores nothing.
    return false;
  }
}
