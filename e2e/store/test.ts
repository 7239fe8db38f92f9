/** Fixtures of the store's tests: workers of a page, each of which may open the store. */
import { resolve } from 'node:path';
import { test as base, type Page, type Worker } from '@playwright/test';
import { bundleModule } from '../bundle.ts';
import type { Lab } from './lab.ts';
import { LabServer } from './lab-server.ts';

declare global {
  /** In the page and in its workers. */
  var lab: Lab;
}

export { expect } from '@playwright/test';

interface Fixtures {
  server: LabServer;
  /** A page of the origin. */
  lab: Page;
  /** Starts another worker that has the lab. */
  startWorker: () => Promise<Worker>;
  worker: Worker;
}

export const test = base.extend<Fixtures, { labScript: string }>({
  labScript: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => use(await bundleModule(resolve('e2e/store/lab.ts'))),
    { scope: 'worker' },
  ],
  server: async ({ labScript }, use) => {
    const server = await LabServer.serve(labScript);
    await use(server);
    await server.close();
  },
  lab: async ({ page, server }, use) => {
    await page.goto(server.url);
    await page.addScriptTag({ url: '/lab.js', type: 'module' });
    await use(page);
  },
  startWorker: async ({ lab }, use) => use(() => startLabWorker(lab)),
  worker: async ({ startWorker }, use) => use(await startWorker()),
});

export async function startLabWorker(page: Page): Promise<Worker> {
  const started = page.waitForEvent('worker');
  const running = page.evaluate(async () => {
    const script = `await import('${location.origin}/lab.js'); postMessage('ready');`;
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    const worker = new Worker(url, { type: 'module' });
    await new Promise((done, fail) => {
      worker.onmessage = done;
      worker.onerror = fail;
    });
  });
  const [worker] = await Promise.all([started, running]);
  return worker;
}
