/** A browser with a profile on disk, which can be killed and started again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from '@playwright/test';
import { chromiumLaunchOptions } from '../tools/browser.mjs';

export class Profile {
  readonly folder: string;
  #context: BrowserContext | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Profile> {
    return new Profile(await mkdtemp(join(tmpdir(), 'holdfast-profile-')));
  }

  /** Starts the browser. One at a time has a profile. */
  async start(): Promise<BrowserContext> {
    this.#context = await chromium.launchPersistentContext(this.folder, chromiumLaunchOptions());
    return this.#context;
  }

  /** SIGKILL: nothing is flushed, no handler runs. */
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
