/** A running guest moves from Chromium to Firefox, over a WebSocket that joins both. */
import { resolve } from 'node:path';
import { Site } from '../../src/packages/playwright/index.ts';
import { bundleModule } from '../support/bundle.ts';
import { SocketPairs } from '../support/socket-pair.ts';
import { Guest, patternGuest } from '../support/test.ts';
import { expect, test } from './test.ts';

type Moves = typeof import('../support/moves.ts');

// A busy computer is no failure.
const patient = { downtimeLimitMs: 60_000 };

test('[MI1] [MH6] a guest of Chromium runs on in Firefox, with every dword of its memory', {
  tag: '@slow',
}, async ({ browser, firefox }) => {
  test.setTimeout(300_000);
  const site = await Site.serve({ root: 'dist' });
  const pairs = await SocketPairs.serve();
  const context = await browser.newContext();
  const there = await firefox.createBrowserContext();
  try {
    const moves = await site.put(
      'e2e/moves.js',
      await bundleModule(resolve('e2e/support/moves.ts')),
    );
    const tab = await site.put('tab.html', '<!doctype html><title>Firefox</title>');
    const builds = await site.runtimes();
    const guest = await Guest.in(await context.newPage(), { site });
    await guest.open(site.url + patternGuest.guestQuery);
    await guest.waitForSerial(patternGuest.guestReady);

    const page = await there.newPage();
    await page.goto(tab);
    const taken = page.evaluate(
      async (moves, builds, url) => {
        const { inspectPattern, passes, takeOverSocket } = (await import(moves)) as Moves;
        const machine = await takeOverSocket(builds, url);
        await passes(machine, 1);
        await machine.pause();
        const { config, runstate } = machine.status ?? {};
        return { pattern: await inspectPattern(machine), foreign: config?.foreign, runstate };
      },
      moves,
      builds,
      pairs.url,
    );
    taken.catch(() => {});
    const { status } = await guest.machine(
      (machine, [url, options]) => machine.migrate(new WebSocket(url), options),
      [pairs.url, patient] as const,
    );
    expect(status).toBe('completed');
    expect(await taken).toMatchObject({ pattern: { ok: true }, foreign: true, runstate: 'paused' });
    await expect
      .poll(() => guest.machine((machine) => machine.status?.reason?.code))
      .toBe('migrated');
  } finally {
    await context.close();
    await there.close();
    pairs.close();
    await site.close();
  }
});
