import type { Page } from '@playwright/test';
import type { BenchSite } from './site.ts';

/**
 * Lower limit for an emulator in a worker on this computer. An empty page has a worker that only
 * compiles v86.wasm as npm ships it. Measured from the start of the navigation, ms.
 */
export interface Floor {
  emptyPageMs: number;
  compiledMs: number;
}

/** @returns the address of a page for {@link measureFloor} */
export function addFloor(site: BenchSite): string {
  const wasmUrl = '/v86/v86.wasm';
  site.add(
    'floor-worker.js',
    'text/javascript',
    `WebAssembly.compileStreaming(fetch('${wasmUrl}')).then(() => postMessage('compiled'));`,
  );
  site.add(
    'floor.html',
    'text/html',
    `<!doctype html><title>floor</title><script>
      const worker = new Worker('floor-worker.js');
      window.floor = new Promise((resolve) => {
        const emptyPageMs = performance.now();
        worker.onmessage = () => resolve({ emptyPageMs, compiledMs: performance.now() });
      });
    </script>`,
  );
  return `${site.url}bench/floor.html`;
}

/** @param page that is at the address of {@link addFloor} */
export function measureFloor(page: Page): Promise<Floor> {
  return page.evaluate(() => (window as unknown as { floor: Promise<Floor> }).floor);
}
