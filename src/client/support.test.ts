import { afterEach, expect, test, vi } from 'vitest';
import { hasExtendedLifetime, missingFeatures } from './support.ts';

afterEach(() => vi.unstubAllGlobals());

/** Reads the options that it knows, then refuses the URL, as browsers do. */
function workerThatReads(...known: string[]) {
  return class {
    constructor(_url: string, options: Record<string, unknown>) {
      for (const name of known) void options[name];
      throw new SyntaxError('invalid URL');
    }
  };
}

test('a browser with everything lacks nothing', () => {
  vi.stubGlobal('Worker', workerThatReads('name', 'type'));
  expect(missingFeatures()).toEqual([]);
});

test('missing features are named', () => {
  vi.stubGlobal('Worker', workerThatReads('name'));
  vi.stubGlobal('WebAssembly', { validate: () => false });
  expect(missingFeatures()).toEqual([
    'WebAssembly threads (shared memory)',
    'WebAssembly SIMD',
    'WebAssembly bulk memory',
    'module workers',
  ]);
});

test('an extended lifetime is there if the browser asks for it', () => {
  vi.stubGlobal('SharedWorker', workerThatReads('name', 'type'));
  expect(hasExtendedLifetime()).toBe(false);
  vi.stubGlobal('SharedWorker', workerThatReads('name', 'type', 'extendedLifetime'));
  expect(hasExtendedLifetime()).toBe(true);
  vi.stubGlobal('SharedWorker', undefined);
  expect(hasExtendedLifetime()).toBe(false);
});
