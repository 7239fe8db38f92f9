import { answerTo, NoAnswer } from './answers.ts';
import { storageError } from './storage-error.ts';
import type { Store } from './types.ts';

/** The members of `navigator.storage` that this layer uses; absent on insecure origins. */
interface StorageManager {
  estimate(): Promise<{ usage?: number; quota?: number }>;
  persisted(): Promise<boolean>;
}

const manager = () => (globalThis.navigator as { storage?: StorageManager }).storage;

/**
 * Returns the usage of the whole origin. `quotaBytes` is Infinity if the browser reports none or
 * does not answer.
 */
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

/** Ignores a missing answer, so that other data, such as lost machines, is still returned. */
function unknown(thrown: unknown): [undefined, undefined] {
  if (thrown instanceof NoAnswer) return [undefined, undefined];
  throw thrown;
}
