/** Fixtures of the store's tests in Chromium: workers of a page, each of which may open the store. */
import { resolve } from 'node:path';
import { test as base, type Page, type Worker } from '@playwright/test';
import { bundleModule } from '../../support/bundle.ts';
import type { ContractFixtures } from './contract/opener.ts';
import { LabServer } from './lab-server.ts';

export { expect } from '@playwright/test';

interface Fixtures extends ContractFixtures {
  server: LabServer;
  /** A page of the origin with the lab. */
  lab: Page;
}

export const test = base.extend<Fixtures, { labScript: string }>({
  labScript: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => use(await bundleModule(resolve('e2e/durability/store/lab.ts'))),
    { scope: 'worker' },
  ],
  server: async ({ labScript }, use) => {
    const server = await LabServer.serve(labScript);
    await use(server);
    await server.close();
  },
  lab: async ({ page, server }, use) => use(await openLab(page, server)),
  startOpener: async ({ lab }, use) => use(() => startLabWorker(lab)),
});

export async function openLab(page: Page, server: LabServer): Promise<Page> {
  await page.goto(server.url);
  await page.addScriptTag({ url: '/lab.js', type: 'module' });
  return page;
}

/** A worker of `page` with the lab. */
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
