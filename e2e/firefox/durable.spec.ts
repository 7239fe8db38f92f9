/** A guest in Firefox, which has no worker that outlives the page: it resumes from storage. */
import type { Page } from 'puppeteer-core';
import { Site } from '../../src/packages/playwright/index.ts';
import { expectLittleLost } from '../support/checkpoint-loss.ts';
import { selectors } from '../support/playground-page.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { expect, test } from './test.ts';

declare const window: PlaygroundWindow & Window;

const longest = { timeout: 60_000 };

/** The page reports that its worker does not answer any more. */
class FrozenWorker extends Error {}

/**
 * Runs a test again if a worker freezes. A Firefox that is driven over BiDi registers every worker with
 * its debugger. About one in 60 new workers freezes there for ever. Without BiDi none of 560 did. A
 * frozen worker keeps its machine as long as the browser runs. So the test starts again in a new browser
 * context.
 */
async function unlessFrozen(body: () => Promise<void>): Promise<void> {
  for (let left = 3; ; left--) {
    try {
      return await body();
    } catch (thrown) {
      if (!(thrown instanceof FrozenWorker) || left === 0) throw thrown;
    }
  }
}

/** Waits in the page; what the page shows is in the error when it waits for nothing. */
async function waitFor<A>(
  page: Page,
  what: string,
  condition: (argument: A) => boolean,
  argument?: A,
): Promise<void> {
  const waiting = new AbortController();
  const options = { ...longest, signal: waiting.signal };
  const comes = page
    .waitForFunction(condition as (argument: unknown) => boolean, options, argument)
    .then(() => 'came' as const);
  const freezes = page
    .waitForFunction(
      (notices) => document.querySelector(notices)?.textContent?.includes('(keeper-silent)'),
      options,
      selectors.notices,
    )
    .then(() => 'froze' as const);
  freezes.catch(() => {});
  try {
    if ((await Promise.race([comes, freezes])) === 'froze') throw new FrozenWorker(what);
  } catch (cause) {
    if (cause instanceof FrozenWorker) throw cause;
    const shown = await page.$eval('body', (body) => (body as HTMLElement).innerText);
    const status = await page.evaluate(() => JSON.stringify(window.holdfast?.machine?.status));
    throw new Error(`Not within a minute: ${what}. ${status}\n${shown}`, { cause });
  } finally {
    comes.catch(() => {});
    waiting.abort();
  }
}

/** Defines a test with a guest at its prompt, in the only page of a separate browser context. */
function guestTest(
  title: string,
  { isolated }: { isolated: boolean },
  body: (page: Page, site: Site) => Promise<void>,
): void {
  test(title, { tag: '@slow' }, async ({ firefox }) => {
    test.setTimeout(300_000);
    await unlessFrozen(async () => {
      const site = await Site.serve({ root: 'dist', isolated });
      const context = await firefox.createBrowserContext();
      try {
        const page = await context.newPage();
        await page.goto(site.url);
        await waitFor(page, 'the guest is at its prompt', () =>
          /holdfast:~#/.test(window.holdfast?.terminalText() ?? ''),
        );
        await body(page, site);
      } finally {
        await context.close();
        await site.close();
      }
    });
  });
}

async function reload(page: Page): Promise<void> {
  await page.reload();
  await waitFor(
    page,
    'the guest runs after a reload',
    () => window.holdfast?.machine?.status?.runstate === 'running',
  );
}

/** In the guest, through its agent. */
async function execute(page: Page, code: string): Promise<string> {
  const result = await page.evaluate(
    async (code) => (await window.holdfast?.machine?.execute(code))?.stdout,
    code,
  );
  return result ?? '';
}

const count = async (page: Page) => Number(await execute(page, 'cat /tmp/n'));
const countUp = 'n=0; while :; do n=$((n+1)); echo $n >/tmp/n; usleep 20000; done';
const notices = (page: Page) =>
  page.$eval(selectors.notices, (element) => (element as HTMLElement).innerText);

guestTest(
  'in an isolated page ten reloads in a row lose nothing',
  { isolated: true },
  async (page) => {
    await execute(page, `(${countUp}) >/dev/null 2>&1 &`);
    await expect.poll(() => count(page)).toBeGreaterThan(0);
    for (let round = 1; round <= 10; round++) {
      // Done when the agent answers: the next step is the reload.
      await execute(page, `echo ${round} >/tmp/round`);
      const before = await count(page);
      await reload(page);
      expect(await execute(page, 'cat /tmp/round')).toBe(`${round}\n`);
      const after = await count(page);
      expect(after).toBeGreaterThanOrEqual(before);
      await expect.poll(() => count(page)).toBeGreaterThan(after);
    }
    expect(await notices(page)).toContain('saved when this page closes');
  },
);

guestTest(
  'a reload of a page that is not isolated loses at most one checkpoint interval, and reports it',
  { isolated: false },
  async (page) => {
    await execute(page, 'echo here >/tmp/kept');
    await page.evaluate(() => window.holdfast?.machine?.checkpoint());
    await execute(page, `(${countUp}) >/dev/null 2>&1 &`);
    await expectLittleLost(page, () => reload(page));
    expect(await execute(page, 'cat /tmp/kept')).toBe('here\n');
    expect(await notices(page)).toContain('rewinds the guest to its last checkpoint');
  },
);

guestTest(
  'a second tab watches a machine of the first, and takes it over',
  { isolated: false },
  async (page, site) => {
    const second = await page.browserContext().newPage();
    await second.goto(site.url);
    await waitFor(
      second,
      'the second tab looks on',
      () =>
        /holdfast:~#/.test(window.holdfast?.terminalText() ?? '') &&
        document.body.classList.contains('view-only'),
    );
    await execute(page, 'echo here >/tmp/kept');
    await second.click(`${selectors.notices} ::-p-aria([name="Take over"][role="button"])`);
    await waitFor(
      second,
      'the guest runs in the second tab',
      () =>
        window.holdfast?.machine?.status?.startSource?.kind === 'resumed' &&
        !document.body.classList.contains('view-only'),
    );
    expect(await execute(second, 'cat /tmp/kept')).toBe('here\n');
    await waitFor(page, 'the first tab looks on', () =>
      document.body.classList.contains('view-only'),
    );
  },
);

guestTest(
  '[S2] what is stored is deleted beside the page: the next one says which machine was stored and until when',
  { isolated: false },
  async (page, site) => {
    await page.evaluate(() => window.holdfast?.machine?.checkpoint());
    // The page, and with it the worker that stores, is closed.
    await page.goto(new URL('build.json', site.url).href);
    await page.evaluate(
      () =>
        new Promise<void>((done, fail) => {
          const request = indexedDB.deleteDatabase('holdfast');
          request.onsuccess = () => done();
          request.onerror = () => fail(request.error);
          // The page's own mark in localStorage names only this page's machine.
          localStorage.clear();
        }),
    );
    await page.goto(site.url);
    await waitFor(
      page,
      'the loss is told',
      (shown) => /“Linux” until .*\d/.test(document.querySelector(shown)?.textContent ?? ''),
      selectors.notices,
    );
    expect(await notices(page)).toContain('The stored data of a machine is gone');
    await waitFor(
      page,
      'a new guest is saved',
      (saved) => /ago$/.test(document.querySelector(saved)?.textContent ?? ''),
      selectors.saved,
    );
  },
);
