import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { defineConfig } from '@playwright/test';
import { chromiumLaunchOptions } from './tools/browser.mjs';

// Playwright loads this file again in each worker: the first to come chooses the port for all.
process.env.HOLDFAST_TEST_PORT ??= String(await freePort());
const port = process.env.HOLDFAST_TEST_PORT;
/** The gate runs the tests in two parts. */
const report = process.env.HOLDFAST_E2E_REPORT ?? 'e2e.json';
const baseURL = `http://localhost:${port}/`;

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  outputDir: join('test-results', basename(report, '.json')),
  // Guest screens are drawn by this project, the same on every system.
  snapshotPathTemplate: '{testDir}/{testFilePath}-snapshots/{arg}{ext}',
  // Wide: a busy computer is no failure. What must be fast is measured by the benchmarks.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  // Two files at once: guests wait for much. Tests tagged @alone compare times, see tools/test.mjs.
  workers: 2,
  forbidOnly: Boolean(process.env.CI),
  reporter: [
    ['list'],
    ['./tools/slow-tests.ts'],
    ['json', { outputFile: join('test-results', report) }],
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
