import { createServer } from 'node:net';
import { defineConfig } from '@playwright/test';
import { chromiumLaunchOptions } from './tools/browser.mjs';

// Playwright loads this file again in each worker: the first to come chooses the port for all.
process.env.HOLDFAST_TEST_PORT ??= String(await freePort());
const port = process.env.HOLDFAST_TEST_PORT;
const baseURL = `http://localhost:${port}/`;

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results/e2e',
  // Guest screens are drawn by this project, the same on every system.
  snapshotPathTemplate: '{testDir}/{testFilePath}-snapshots/{arg}{ext}',
  // Wide: a busy computer is no failure. What must be fast is measured by the benchmarks.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  // Guests want the cores for themselves: two at once only slow each other down.
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  reporter: [
    ['list'],
    ['./tools/slow-tests.ts'],
    ['json', { outputFile: 'test-results/e2e.json' }],
  ],
  use: {
    baseURL,
    browserName: 'chromium',
    launchOptions: chromiumLaunchOptions(),
    // Snapshots of a page that a guest draws on slow the guest down.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: false },
  },
  webServer: {
    // Builds first if dist/ is stale.
    command: 'node tools/start.mjs',
    env: {
      PORT: port,
      HOLDFAST_STATES_FOLDER: 'test-results/states',
      HOLDFAST_STATES_UPLOADS_PER_HOUR: '1000',
    },
    url: baseURL,
    timeout: 180_000,
  },
});

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
      .once('error', fail)
      .listen(0, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => done(typeof address === 'object' && address ? address.port : 0));
      });
  });
}
