/** One guest for all tests of a worker: booted once, restored for each. */
import { existsSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import type { BrowserType, LaunchOptions } from '@playwright/test';
import { HoldfastError } from '../../errors.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { SnapshotInfo } from '../../protocol/snapshot.ts';
import { BrowserProfile } from './browser-profile.ts';
import { Guest } from './guest.ts';
import { defaultBootTimeout, type GuestOptions, machineConfig } from './guest-options.ts';
import { openState, saveState } from './guest-state.ts';
import { consoles } from './shown-consoles.ts';
import type { Site } from './site.ts';
import { openStep } from './step.ts';

export interface GoldenSurroundings {
  site: Site;
  browserType: BrowserType;
  /** In addition to those of the Playwright project, if one runs. */
  launchOptions?: LaunchOptions;
}

interface Booted {
  guest: Guest;
  browser: BrowserProfile;
  snapshot: SnapshotInfo;
  /** The runtime that the snapshot was taken on: a test may have left the guest on another. */
  runtimeId: string;
}

interface FreshOptions {
  /** Path of the golden state. If the file exists, it is opened instead of booting. */
  statePath?: string;
  /** Called with a guest that did not come up, before it is deleted. */
  failed?: (guest: Guest) => Promise<void>;
}

export class GoldenGuest {
  readonly #options: GuestOptions;
  readonly #surroundings: GoldenSurroundings;
  #booted: Booted | undefined;
  /** Path of this guest's state file. */
  #statePath: string | undefined;

  /** The guest is booted by {@link fresh}, not here. */
  constructor(options: GuestOptions, surroundings: GoldenSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
  }

  static async boot(options: GuestOptions, surroundings: GoldenSurroundings): Promise<GoldenGuest> {
    const golden = new GoldenGuest(options, surroundings);
    await golden.fresh();
    return golden;
  }

  /** Restores the guest to the golden state. */
  async fresh(options: FreshOptions = {}): Promise<Guest> {
    await this.#alsoAt(options.statePath);
    if (this.#booted && (await this.#restore(this.#booted))) return this.#booted.guest;
    const path = this.#statePath ?? options.statePath;
    if (path !== undefined && existsSync(path)) {
      try {
        const { guest } = await this.#open(path);
        this.#statePath = path;
        return guest;
      } catch (error) {
        console.warn(`The golden guest boots, because its state could not be opened: ${error}`);
        await rm(path, { force: true });
      }
    }
    return (await this.#boot(options)).guest;
  }

  /** Another test asks for the same guest under another name: links its file. */
  async #alsoAt(path: string | undefined): Promise<void> {
    const kept = this.#statePath;
    if (kept === undefined || path === undefined || existsSync(path)) return;
    // Without hard links, another worker boots.
    await link(kept, path).catch(() => {});
  }

  async close(): Promise<void> {
    const { browser } = this.#booted ?? {};
    this.#booted = undefined;
    await browser?.delete();
  }

  /** @returns false if the golden state was lost with a browser or a worker */
  async #restore({ guest, snapshot, runtimeId }: Booted): Promise<boolean> {
    if (guest.page.isClosed()) return false;
    try {
      // Each call crosses to the page and back before every test.
      const present = await guest.machine(async (machine, id) => {
        await machine.restore({ id });
        return machine.status?.runtimeId;
      }, snapshot.id);
      if (present === runtimeId) return true;
      await guest.liveUpdate(await this.#runtime(runtimeId));
      await guest.restore(snapshot);
      return true;
    } catch (error) {
      const expected: HoldfastError['code'][] = ['not-found', 'no-machine', 'bad-runstate'];
      const lost: HoldfastError['code'][] = ['keeper-gone', 'keeper-silent'];
      const isGone = error instanceof HoldfastError && [...expected, ...lost].includes(error.code);
      if (isGone || guest.page.isClosed()) return false;
      throw error;
    }
  }

  #boot({ statePath, failed }: FreshOptions): Promise<Booted> {
    return openStep('boot the golden guest', () =>
      this.#begin(async (guest) => {
        try {
          await this.#bootIn(guest);
          await this.#options.prepare?.(guest);
        } catch (error) {
          await failed?.(guest);
          throw error;
        }
        if (statePath === undefined || this.#options.page !== undefined) return;
        if (await keepState(guest, statePath)) this.#statePath = statePath;
      }),
    );
  }

  /** Opens the guest of an earlier worker, or of a browser that was killed. */
  #open(statePath: string): Promise<Booted> {
    return openStep('open the golden guest', () =>
      this.#begin(async (guest) => {
        const { site } = this.#surroundings;
        const { base = 'demo-linux', runtime } = this.#options;
        await guest.openPage(site.urlOf('machine.html'));
        // The state names files of this computer by their addresses on this site.
        await machineConfig(this.#options, site);
        await openState(guest.page, statePath, {
          runtime: await this.#runtime(runtime),
          identity: 'continuation',
          replace: true,
        });
        if (base === 'demo-linux') await quiet(guest);
      }),
    );
  }

  async #begin(bringUp: (guest: Guest) => Promise<void>): Promise<Booted> {
    await this.close();
    const { browserType, launchOptions, site } = this.#surroundings;
    const browser = await BrowserProfile.make(browserType, launchOptions);
    try {
      const context = await browser.start();
      const page = context.pages()[0] ?? (await context.newPage());
      const guest = await Guest.in(page, { browser, site });
      await bringUp(guest);
      const snapshot = await guest.snapshot();
      const { runtimeId } = await guest.status();
      this.#booted = { guest, browser, snapshot, runtimeId };
      return this.#booted;
    } catch (error) {
      await browser.delete();
      throw error;
    }
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
    else if (ready) await within(timeout, guest, ready(guest));
    else if (page === undefined && base === 'demo-linux') await guest.succeed('true', { timeout });
    if (page === undefined && base === 'demo-linux') await quiet(guest);
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

/**
 * Waits for the demo guest's background script, see tools/guests/linux/rootfs/etc/init.d, and for the
 * agent's resume script, see src/keeper/machine/post-resume.ts. Each fresh guest would run them
 * again, beside the first command of its test. A network without DHCP is waited for less than a
 * second. `[h]` and `[i]` keep grep from matching itself.
 */
const untilQuiet = `n=0
busy() {
  ps -o args | grep -q -e '[h]oldfast/resumed' -e '[i]nit.d/background' && return 0
  [ -e /sys/class/net/eth0 ] || return 1
  n=$((n + 1))
  [ $n -lt 10 ] && ! ifconfig eth0 | grep -q 'inet addr'
}
while busy; do usleep 20000; done`;

/** Longest time of {@link untilQuiet}, ms. */
const quietTimeout = 10_000;

/** A guest whose agent does not answer is taken as it is: only the test's author knows what it does. */
async function quiet(guest: Guest): Promise<void> {
  await guest.execute(untilQuiet, { timeout: quietTimeout }).catch((error) => {
    console.warn(`The golden guest may still be busy: ${error}`);
  });
}

/**
 * The file is written whole or not at all. A guest that cannot be saved is booted again when it is
 * needed.
 */
async function keepState(guest: Guest, path: string): Promise<boolean> {
  const unfinished = `${path}.unfinished`;
  try {
    await openStep('keep the golden state', () => saveState(guest.page, unfinished));
    await rename(unfinished, path);
    return true;
  } catch (error) {
    await rm(unfinished, { force: true });
    if (error instanceof HoldfastError) return false;
    throw error;
  }
}

async function within(timeout: number, guest: Guest, ready: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, timeout, 'late');
  });
  const outcome = await Promise.race([ready, late]).finally(() => clearTimeout(timer));
  if (outcome !== 'late') return;
  // Ignores the rejection that follows when the guest is deleted.
  ready.catch(() => {});
  throw new Error(
    `The guest was not ready within ${timeout} ms (bootTimeout).\n${await consoles(guest.page)}`,
  );
}
