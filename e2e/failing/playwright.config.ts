/** Tests that fail, run by ../fixtures-failures.spec.ts, which looks at what they say. */
import { defineConfig } from '@playwright/test';
import { chromiumLaunchOptions } from '../../tools/browser.mjs';

export default defineConfig({
  testDir: '.',
  testMatch: '*.failing.ts',
  outputDir: '../../test-results/failing',
  workers: 1,
  reporter: 'json',
  timeout: 60_000,
  use: {
    launchOptions: chromiumLaunchOptions(),
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: false },
  },
});
