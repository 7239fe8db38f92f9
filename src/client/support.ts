/**
 * Finds features that a guest needs. Each is tested directly, never derived from the browser's
 * name. None of them needs a secure context or cross-origin isolation.
 */

import { scriptUrl } from '../protocol/script-url.ts';

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** Type section: one function type, no parameters, no results; and one function of it. */
const oneFunction = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00];

/** `(memory 1 1 shared)` and `(drop (i32.atomic.load (i32.const 0)))` */
const threadsModule = [
  ...header,
  ...oneFunction,
  ...[0x05, 0x04, 0x01, 0x03, 0x01, 0x01],
  ...[0x0a, 0x0b, 0x01, 0x09, 0x00, 0x41, 0x00, 0xfe, 0x10, 0x02, 0x00, 0x1a, 0x0b],
];
/** `(drop (i8x16.splat (i32.const 0)))` */
const simdModule = [
  ...header,
  ...oneFunction,
  ...[0x0a, 0x09, 0x01, 0x07, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x1a, 0x0b],
];
/** `(memory 1)` and `(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))` */
const bulkMemoryModule = [
  ...header,
  ...oneFunction,
  ...[0x05, 0x03, 0x01, 0x00, 0x01],
  ...[0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x41, 0x00, 0x41, 0x00, 0x41, 0x00, 0xfc, 0x0b, 0x00, 0x0b],
];

/** Returns the names of features that this browser lacks, for users; empty if guests can run. */
export function missingFeatures(): string[] {
  const missing: string[] = [];
  if (typeof WebAssembly !== 'object') {
    missing.push('WebAssembly');
  } else {
    if (!validates(threadsModule) || !hasSharedMemory()) {
      missing.push('WebAssembly threads (shared memory)');
    }
    if (!validates(simdModule)) missing.push('WebAssembly SIMD');
    if (!validates(bulkMemoryModule)) missing.push('WebAssembly bulk memory');
  }
  if (typeof Worker !== 'function') missing.push('web workers');
  else if (!hasModuleWorkers()) missing.push('module workers');
  return missing;
}

/**
 * Whether shared workers may outlive their pages. Only browsers with this feature read
 * `extendedLifetime`.
 */
export function hasExtendedLifetime(): boolean {
  if (typeof SharedWorker !== 'function') return false;
  return readsOption('extendedLifetime', true, (url, options) => new SharedWorker(url, options));
}

/**
 * Whether the user blocks this site's data, or its origin is opaque: then it has no shared workers,
 * no Web Locks and no storage.
 */
export function isSiteDataBlocked(): boolean {
  try {
    return localStorage === null;
  } catch {
    return true;
  }
}

function hasModuleWorkers(): boolean {
  return readsOption('type', 'module', (url, options) => new Worker(url, options));
}

/**
 * Returns true if the browser reads this option. Options are read before the URL is parsed (Web IDL
 * converts arguments first). So an invalid URL shows this without a worker ever being created.
 */
function readsOption(
  name: string,
  value: unknown,
  construct: (url: string, options: WorkerOptions) => unknown,
): boolean {
  let read = false;
  const options = Object.defineProperty({}, name, {
    get: () => {
      read = true;
      return value;
    },
  });
  try {
    construct(scriptUrl('https://['), options);
  } catch {
    // Expected: the URL is invalid on purpose.
  }
  return read;
}

function hasSharedMemory(): boolean {
  try {
    return Boolean(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  } catch {
    return false;
  }
}

function validates(bytes: number[]): boolean {
  return WebAssembly.validate(new Uint8Array(bytes));
}
