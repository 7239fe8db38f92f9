/** A browser with a profile on disk, which can be killed and started again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, BrowserType, LaunchOptions } from '@playwright/test';

export class BrowserProfile {
  readonly folder: string;
  readonly #browserType: BrowserType;
  readonly #launchOptions: LaunchOptions;
  #context: BrowserContext | undefined;

  private constructor(folder: string, browserType: BrowserType, launchOptions: LaunchOptions) {
    this.folder = folder;
    this.#browserType = browserType;
    this.#launchOptions = launchOptions;
  }

  /**
   * @param launchOptions in addition to those of the Playwright project, if one runs
   * @param parent folder for the profile; default: the folder of temporary files
   */
  static async make(
    browserType: BrowserType,
    launchOptions: LaunchOptions = {},
    parent = tmpdir(),
  ): Promise<BrowserProfile> {
    const folder = await mkdtemp(join(parent, 'holdfast-profile-'));
    return new BrowserProfile(folder, browserType, launchOptions);
  }

  /** Starts the browser. A profile has one at a time. */
  async start(): Promise<BrowserContext> {
    this.#context = await this.#browserType.launchPersistentContext(
      this.folder,
      this.#launchOptions,
    );
    return this.#context;
  }

  /** Kills the browser by SIGKILL: nothing is flushed, no handler runs. Chromium only. */
  async kill(): Promise<void> {
    const context = this.#context;
    const devtools = await context?.browser()?.newBrowserCDPSession();
    if (!context || !devtools) throw new Error('No browser runs with this profile.');
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
    const browser = processInfo.find(({ type }) => type === 'browser');
    if (!browser) throw new Error('The browser does not say which process it is.');
    const closed = context.waitForEvent('close');
    process.kill(browser.id, 'SIGKILL');
    await closed;
    this.#context = undefined;
  }

  /** Closes the browser as its user would. */
  async stop(): Promise<void> {
    await this.#context?.close();
    this.#context = undefined;
  }

  async delete(): Promise<void> {
    await this.stop();
    // Processes of a killed browser may still be writing their last files.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
