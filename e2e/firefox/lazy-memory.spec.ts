/** A state in Firefox that runs before all of its memory has arrived: docs/spec/lazy-memory.md. */
import { Site } from '../../src/packages/playwright/index.ts';
import { noiseState } from '../support/noise-state.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { ShapedServer } from '../support/shaped-server.ts';
import { expect, test } from './test.ts';

declare const window: PlaygroundWindow & Window;

test('[LZ2] a guest in Firefox runs before its memory is there, and every page is right', {
  tag: '@slow',
}, async ({ browser, firefox }) => {
  test.setTimeout(400_000);
  const { file, digest } = await noiseState(browser, 'dist');
  const site = await Site.serve({ root: 'dist' });
  const server = await ShapedServer.serve(file, { bitsPerSecond: 8e6, delayMs: 40 });
  const context = await firefox.createBrowserContext();
  try {
    const page = await context.newPage();
    // A guest that is busy would keep its worker from the opening.
    await page.goto(`${site.url}?durable=off`);
    await page.waitForFunction(() => window.holdfast?.machine?.status?.runstate === 'running', {
      timeout: 60_000,
    });
    const [runtime] = await site.runtimes();
    const found = await page.evaluate(
      async (url, runtime) => {
        const machine = window.holdfast?.machine;
        if (!machine || !runtime) throw new Error('There is no machine.');
        await machine.openState(url, { runtime, replace: true, approve: () => true });
        const wasLazy = machine.status?.memory !== undefined;
        const output = machine.console('serial0');
        const { end } = output;
        await output.write('sha256sum /tmp/noise; echo all""done\n');
        await output.waitFor(/alldone/, { from: end, timeoutMs: 200_000 });
        return { wasLazy, text: output.text(end) };
      },
      server.url,
      runtime,
    );
    expect(found.wasLazy).toBe(true);
    expect(found.text).toContain(digest);
  } finally {
    await context.close();
    await server.close();
    await site.close();
  }
});
