/**
 * The hostile guest (tools/guests/hostile) in the playground, with any number of pages. The page
 * that started its keeper is closed, so that the memory of its process is the keeper's.
 */
import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContext, Dialog, Page } from '@playwright/test';
import type { Machine, MachineConfig, RuntimeSource } from '../../src/index.ts';
import { callMachine } from '../../src/packages/playwright/call-machine.ts';
import type { Site } from '../../src/packages/playwright/site.ts';
import type { PlaygroundWindow } from './playground-window.ts';
import { keeperProcesses } from './renderer-memory.ts';

export const ramMiB = 16;
const vgaMiB = 16;
export const diskBytes = 64 * 2 ** 30;
/** Name of the in-browser network hub that the hostile PC joins. */
export const hub = 'hostile';

/**
 * Budget for the growth of the keeper during its floods, MiB. SECURITY.md states it. 48 are for
 * pictures in transit, see src/keeper/pages/pictures-on-way.ts, and 1 is for each page's unread console
 * output.
 */
export const floodBudgetMiB = (pages: number): number => 64 + 48 + pages;

const settings = [
  'multiboot.url=hostile.bin',
  `hda.empty=${diskBytes}`,
  `m=${ramMiB}`,
  `vram=${vgaMiB}`,
  `relay_url=inbrowser:${hub}`,
  'durable=off',
].join('&');

declare const window: PlaygroundWindow & Window;

/** Longest time of one of its attempts on a busy computer. */
const longestMs = 180_000;

export class HostilePc {
  /** A page that reads everything it is sent. */
  readonly page: Page;
  /** Ids of the keeper's process; empty without /proc. */
  readonly keeper: readonly number[];
  readonly context: BrowserContext;
  readonly #site: Site;
  readonly #runtime: RuntimeSource | undefined;

  private constructor(parts: {
    page: Page;
    keeper: readonly number[];
    context: BrowserContext;
    site: Site;
    runtime: RuntimeSource | undefined;
  }) {
    this.page = parts.page;
    this.keeper = parts.keeper;
    this.context = parts.context;
    this.#site = parts.site;
    this.#runtime = parts.runtime;
  }

  /** Waits until the guest awaits its first letter. */
  static async boot(browser: Browser, site: Site): Promise<HostilePc> {
    await site.put('hostile.bin', await readFile('src/runtime/testing/guests/hostile.bin'));
    const context = await browser.newContext();
    const others = await keeperProcesses(browser);
    const first = await context.newPage();
    await first.goto(`${site.url}?machine=hostile&${settings}`);
    await first.getByRole('button', { name: 'Connect and start' }).click();
    await waitForShown(first, 'hostile');
    const keeper = (await keeperProcesses(browser)).filter((id) => !others.includes(id));
    const page = await attach(context, site);
    await first.close();
    const [runtime] = await site.runtimes();
    return new HostilePc({ page, keeper, context, site, runtime });
  }

  /** Opens one more page. */
  attach(): Promise<Page> {
    return attach(this.context, this.#site);
  }

  /**
   * Opens one more page, whose thread waits in a dialog: it reads nothing until the dialog is
   * closed.
   */
  async attachDeaf(): Promise<{ page: Page; dialog: Dialog }> {
    const page = await this.attach();
    const asked = page.waitForEvent('dialog');
    page.evaluate(() => window.confirm('Wait')).catch(() => {});
    return { page, dialog: await asked };
  }

  /** Starts one of the guest's attempts. */
  begin(letter: string): Promise<void> {
    return this.machine((machine, text) => machine.console('serial0').write(text), letter);
  }

  /** Runs one of the guest's attempts to its end. */
  attempt(letter: string): Promise<void> {
    return this.#type(letter, letter);
  }

  /** Types a key, which ends an attempt that does not end by itself. */
  end(letter: string): Promise<void> {
    return this.#type('\n', letter);
  }

  #type(text: string, letter: string): Promise<void> {
    return this.machine(
      async (machine, given) => {
        const serial = machine.console('serial0');
        const from = serial.end;
        await serial.write(given.text);
        const ended = new RegExp(`${given.letter} done`);
        await serial.waitFor(ended, { from, timeoutMs: given.longestMs });
      },
      { text, letter, longestMs },
    );
  }

  /** Floods the screen until the page has been sent some of its pictures. */
  async floodScreen(pictures: number): Promise<void> {
    await this.machine(async (machine, count) => {
      let left = count;
      const sent = new Promise<void>((done) => {
        machine.on('screen-frame', ({ width }) => {
          if (width === 2560 && --left === 0) done();
        });
      });
      await machine.console('serial0').write('s');
      await sent;
    }, pictures);
    await this.end('s');
  }

  /** Replaces the machine by one with these changes. */
  restart(change: Partial<MachineConfig>): Promise<void> {
    return this.machine(
      async (machine, given) => {
        const { config } = machine.status ?? {};
        if (!config || !given.runtime) throw new Error('There is no machine.');
        await machine.start({ ...config, ...given.change }, given.runtime, { replace: true });
        await machine.console('serial0').waitFor(/hostile/, { timeoutMs: given.longestMs });
      },
      { change, runtime: this.#runtime, longestMs },
    );
  }

  /** Runs this in the page that reads everything, see {@link callMachine}. */
  machine<T, A>(call: (machine: Machine, argument: A) => Promise<T> | T, argument: A): Promise<T> {
    return callMachine(this.page, call, argument);
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

async function attach(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.url}?machine=hostile`);
  await waitForShown(page, 'hostile');
  return page;
}

/** Waits for text on the page's terminal. */
export async function waitForShown(page: Page, text: string): Promise<void> {
  await page.waitForFunction((wanted) => window.holdfast?.terminalText?.().includes(wanted), text, {
    polling: 100,
    timeout: longestMs,
  });
}
