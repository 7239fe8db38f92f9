import { answerTo, NoAnswer } from './answers.ts';
import { storageError } from './storage-error.ts';
import type { Store } from './types.ts';

/** What this layer needs of `navigator.storage`; absent on insecure origins. */
interface StorageManager {
  estimate(): Promise<{ usage?: number; quota?: number }>;
  persisted(): Promise<boolean>;
  /** Pages only. */
  persist?(): Promise<boolean>;
}

const manager = () => (globalThis.navigator as { storage?: StorageManager }).storage;

/** Of the whole origin. `quotaBytes` is Infinity where the browser does not say, or not answer. */
export async function storageUsage(): ReturnType<Store['usage']> {
  try {
    const storage = manager();
    const asked = Promise.all([storage?.estimate(), storage?.persisted()]);
    const [estimate, persisted] = await answerTo(asked, 'say how much it stores').catch(unknown);
    return {
      usedBytes: estimate?.usage ?? 0,
      quotaBytes: estimate?.quota ?? Number.POSITIVE_INFINITY,
      persisted: persisted ?? false,
    };
  } catch (thrown) {
    throw storageError(thrown, 'say how much it stores');
  }
}

/** What else is known, as of machines that are gone, is told all the same. */
function unknown(thrown: unknown): [undefined, undefined] {
  if (thrown instanceof NoAnswer) return [undefined, undefined];
  throw thrown;
}

/**
 * `granted`: the browser will not clear this site's data by itself. `refused`: it may, when disk
 * space is short. `unavailable`: it cannot be asked here (a worker, an insecure origin).
 */
type Persistence = 'granted' | 'refused' | 'unavailable';

/** Asks the browser not to evict what is stored; it may ask its user. For pages. */
export async function requestPersistence(): Promise<Persistence> {
  const storage = manager();
  if (!storage?.persist) return 'unavailable';
  try {
    return (await storage.persist()) ? 'granted' : 'refused';
  } catch {
    // An opaque origin or blocked site data: there is nothing that could be kept.
    return 'unavailable';
  }
}
