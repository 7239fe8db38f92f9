/** The page that shows a guest, and the operations of tests on it. */
import type { BrowserContext, Page } from '@playwright/test';
import type { BrowserProfile } from './browser-profile.ts';
import type { HoldfastWindow } from './call-machine.ts';
import { installTap, type TappedWindow } from './page-tap.ts';
import { consoles } from './shown-consoles.ts';
import { waitLimit } from './test-time.ts';
import type { WaitOptions } from './wait-options.ts';

declare const window: HoldfastWindow & TappedWindow & Window;

/** The address of the playground with a guest that boots, instead of one that opens at its prompt. */
export function withColdBoot(address: string): string {
  const url = new URL(address);
  if (!url.searchParams.has('boot')) url.searchParams.set('boot', 'cold');
  return url.href;
}

export class GuestPage {
  readonly #browser: BrowserProfile | undefined;
  #page: Page;
  #url = '';

  private constructor(page: Page, browser: BrowserProfile | undefined) {
    this.#page = page;
    this.#browser = browser;
  }

  /** Prepares a page for a guest. Call it before the page navigates. */
  static async prepare(page: Page, browser?: BrowserProfile): Promise<GuestPage> {
    const prepared = new GuestPage(page, browser);
    await prepared.#prepare();
    return prepared;
  }

  get current(): Page {
    return this.#page;
  }

  /** Resolves when the page is connected, even without a guest. */
  async connect(url: string): Promise<void> {
    this.#url = url;
    await this.#page.goto(url);
    await this.waitUntil(() => window.holdfast?.machine != null, 'The page did not connect');
  }

  /** Resolves when the page is attached to a guest. */
  async open(url: string): Promise<void> {
    await this.connect(url);
    await this.attached();
  }

  async reload(): Promise<void> {
    await this.#page.reload();
    await this.attached();
  }

  async crash(): Promise<void> {
    const crashed = this.#page;
    const context = crashed.context();
    const devtools = await context.newCDPSession(crashed);
    const gone = crashed.waitForEvent('crash');
    // The call never answers.
    devtools.send('Page.crash').catch(() => {});
    await gone;
    await this.#openIn(context);
    await crashed.close();
  }

  async crashBrowser(): Promise<void> {
    if (!this.#browser) throw new Error('This guest has no browser of its own to be killed.');
    await this.#browser.kill();
    await this.#openIn(await this.#browser.start());
  }

  async waitUntil(
    predicate: () => boolean,
    otherwise: string,
    { timeout }: WaitOptions = {},
  ): Promise<void> {
    const limit = waitLimit(timeout);
    try {
      // 0 would mean no limit.
      const options = { timeout: Math.max(1, limit.ms), polling: 50 };
      await this.#page.waitForFunction(predicate, undefined, options);
    } catch (cause) {
      const page = await this.#page
        .evaluate(() => document.body.innerText)
        .catch((error: Error) => `(${error.message})`);
      const shown = `${await consoles(this.#page)}\n--- page ---\n${page.trim().slice(0, 2000)}`;
      throw new Error(`${otherwise} ${limit.within}.\n${shown}`, { cause });
    }
  }

  /** Runs `start`, which replaces the machine: its consoles begin anew. */
  async replaceMachine(start: () => Promise<void>): Promise<void> {
    await this.#page.evaluate(() => window.holdfastTap.clear());
    try {
      await start();
    } catch (thrown) {
      await this.#page.evaluate(() => window.holdfastTap.cancelClear()).catch(() => {});
      throw thrown;
    }
  }

  async #openIn(context: BrowserContext): Promise<void> {
    this.#page = await context.newPage();
    await this.#prepare();
    await this.open(this.#url);
  }

  async #prepare(): Promise<void> {
    // tsx and others mark compiled functions with a helper that a page lacks.
    await this.#page.addInitScript('globalThis.__name ??= (named) => named');
    await this.#page.addInitScript(installTap);
  }

  attached(options?: WaitOptions): Promise<void> {
    return this.waitUntil(
      () => window.holdfast?.machine?.status != null,
      'The page did not attach to a guest',
      options,
    );
  }
}
