/** Tests of the packed library, which share one project. */
import { test as base } from '@playwright/test';
import { Site } from '../../src/packages/playwright/index.ts';
import { type PolicyFixture, policyFixture } from '../support/watched-policy.ts';
import { makeProject, type Project } from './project.ts';

export { expect } from '@playwright/test';

export const test = base.extend<{ site: Site } & PolicyFixture, { project: Project }>({
  ...policyFixture,
  project: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => {
      const project = await makeProject();
      await use(project);
      await project.remove();
    },
    // Packing takes minutes on a busy computer.
    { scope: 'worker', timeout: 600_000 },
  ],
  site: async ({ project }, use) => {
    const site = await Site.serve({ root: project.dist });
    await use(site);
    await site.close();
  },
});
