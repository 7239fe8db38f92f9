/** The store in Firefox, each opener a page. */
import { resolve } from 'node:path';
import type { ContractFixtures } from '../durability/store/contract/opener.ts';
import { storeContract } from '../durability/store/contract.ts';
import { LabServer } from '../durability/store/lab-server.ts';
import { bundleModule } from '../support/bundle.ts';
import { test as base } from './test.ts';

const test = base.extend<ContractFixtures & { server: LabServer }, { labScript: string }>({
  labScript: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => use(await bundleModule(resolve('e2e/durability/store/lab.ts'))),
    { scope: 'worker' },
  ],
  // A port, and so an origin and a database, for each test.
  server: async ({ labScript }, use) => {
    const server = await LabServer.serve(labScript);
    await use(server);
    await server.close();
  },
  startOpener: async ({ firefox, server }, use) => {
    const context = await firefox.createBrowserContext();
    await use(async () => {
      const page = await context.newPage();
      await page.goto(server.url);
      await page.addScriptTag({ url: '/lab.js', type: 'module' });
      return page;
    });
    await context.close();
  },
});

storeContract(test);
