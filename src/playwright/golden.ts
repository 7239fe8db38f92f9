/** One guest for all tests of a worker: booted once, brought back for each. */
import type { BrowserType, LaunchOptions } from '@playwright/test';
import { CprError } from '../errors.ts';
import type { RuntimeSource } from '../protocol/keeper-api.ts';
import type { SnapshotInfo } from '../protocol/snapshot.ts';
import { BrowserProfile } from './browser-profile.ts';
import { Guest } from './guest.ts';
import { defaultBootTimeout, type GuestOptions, machineConfig } from './guest-options.ts';
import type { Site } from './site.ts';
import { step } from './step.ts';

export interface GoldenSurroundings {
  site: Site;
  browserType: BrowserType;
  /** On top of those of the Playwright project, where one runs. */
  launchOptions?: LaunchOptions;
}

interface Booted {
  guest: Guest;
  browser: BrowserProfile;
  snapshot: SnapshotInfo;
  /** What the snapshot was taken on: a test may have left the guest on another. */
  runtimeId: string;
}

export class GoldenGuest {
  readonly #options: GuestOptions;
  readonly #surroundings: GoldenSurroundings;
  #booted: Booted | undefined;

  private constructor(options: GuestOptions, surroundings: GoldenSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
  }

  static async boot(options: GuestOptions, surroundings: GoldenSurroundings): Promise<GoldenGuest> {
    const golden = new GoldenGuest(options, surroundings);
    await golden.#boot();
    return golden;
  }

  /** The guest as it was when the golden state was taken, whatever was done to it since. */
  async fresh(): Promise<Guest> {
    if (this.#booted && (await this.#restore(this.#booted))) return this.#booted.guest;
    return (await this.#boot()).guest;
  }

  async close(): Promise<void> {
    const { browser } = this.#booted ?? {};
    this.#booted = undefined;
    await browser?.delete();
  }

  /** @returns false where the golden state went with a browser or a worker that is no more */
  async #restore({ guest, snapshot, runtimeId }: Booted): Promise<boolean> {
    if (guest.page.isClosed()) return false;
    try {
      await guest.restore(snapshot);
      const status = await guest.status();
      if (status.runtimeId === runtimeId) return true;
      await guest.liveUpdate(await this.#runtime(runtimeId));
      await guest.restore(snapshot);
      return true;
    } catch (error) {
      const expected: CprError['code'][] = ['not-found', 'no-machine', 'bad-runstate'];
      const lost: CprError['code'][] = ['keeper-gone', 'keeper-silent'];
      const isGone = error instanceof CprError && [...expected, ...lost].includes(error.code);
      if (isGone || guest.page.isClosed()) return false;
      throw error;
    }
  }

  #boot(): Promise<Booted> {
    return step('boot the golden guest', async () => {
      await this.close();
      const { browserType, launchOptions, site } = this.#surroundings;
      const browser = await BrowserProfile.make(browserType, launchOptions);
      try {
        const context = await browser.start();
        const page = context.pages()[0] ?? (await context.newPage());
        const guest = await Guest.in(page, { browser, site });
        await this.#bootIn(guest);
        await this.#options.prepare?.(guest);
        const snapshot = await guest.snapshot();
        const { runtimeId } = await guest.status();
        this.#booted = { guest, browser, snapshot, runtimeId };
        return this.#booted;
      } catch (error) {
        await browser.delete();
        throw error;
      }
    });
  }

  async #bootIn(guest: Guest): Promise<void> {
    const { site } = this.#surroundings;
    const { base = 'demo-linux', page, runtime, ready } = this.#options;
    const { bootTimeout: timeout = defaultBootTimeout } = this.#options;
    if (page !== undefined) {
      await guest.openPage(page);
      await guest.attached();
    } else {
      await guest.openPage(site.urlOf('machine.html'));
      const config = await machineConfig(this.#options, site);
      await guest.boot(config, await this.#runtime(runtime));
    }
    if (ready instanceof RegExp) await guest.waitForSerial(ready, { timeout });
    else if (ready) await ready(guest);
    else if (page === undefined && base === 'demo-linux') await guest.succeed('true', { timeout });
  }

  async #runtime(wanted?: string): Promise<RuntimeSource> {
    const runtimes = await this.#surroundings.site.runtimes();
    const found = runtimes.find(
      ({ id, v86Version }) => wanted === undefined || id === wanted || v86Version === wanted,
    );
    if (found) return found;
    const there = runtimes.map(({ id }) => id).join(', ');
    throw new Error(`There is no runtime "${wanted}" here, only ${there}.`);
  }
}
