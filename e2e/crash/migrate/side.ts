/** A browser with one machine, on a site of its own. */
import { resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { root } from '../../../tools/setup.mjs';
import { bundleModule } from '../../support/bundle.ts';
import { Profile } from '../../support/profile.ts';
import { Site } from '../../support/test.ts';

type SidePage = typeof import('./side-page.ts');
type Call = keyof SidePage;

/** The bundles of both sides. */
export interface SideFiles {
  keeper: string;
  page: string;
}

/** @param labUrl where the keeper asks at each step */
export async function sideFiles(labUrl: string): Promise<SideFiles> {
  const bundle = (name: string) => bundleModule(resolve(root, 'e2e/crash/migrate', name));
  const keeper = (await bundle('asking-keeper.ts')).replace('LAB_URL', labUrl);
  return { keeper, page: await bundle('side-page.ts') };
}

export class Side {
  readonly name: string;
  readonly #site: Site;
  readonly #profile: Profile;
  #page: Page | undefined;

  private constructor(name: string, site: Site, profile: Profile) {
    this.name = name;
    this.#site = site;
    this.#profile = profile;
  }

  static async open(name: string, files: SideFiles): Promise<Side> {
    const site = await Site.serve({ root: resolve(root, 'dist'), secured: false });
    await site.put('keeper.js', files.keeper);
    await site.put('side.js', files.page);
    await site.put('side.html', '<!doctype html><title>Side</title>');
    const side = new Side(name, site, await Profile.make());
    await side.start();
    return side;
  }

  get origin(): string {
    return new URL(this.#site.url).origin;
  }

  get isAlive(): boolean {
    return this.#page !== undefined;
  }

  /** Starts the browser, on the profile that it had before. */
  async start(): Promise<void> {
    this.#page = await (await this.#profile.start()).newPage();
    await this.#page.goto(this.#site.urlOf('side.html'));
    await this.call('open', await this.#site.runtimes());
  }

  async call<C extends Call>(
    name: C,
    ...args: Parameters<SidePage[C]>
  ): Promise<Awaited<ReturnType<SidePage[C]>>> {
    if (!this.#page) throw new Error(`The browser of ${this.name} is not there.`);
    return this.#page.evaluate(
      async ([url, name, args]) => {
        const page = await import(url);
        return page[name](...args);
      },
      [this.#site.urlOf('side.js'), name, args] as const,
    );
  }

  async kill(): Promise<void> {
    await this.#profile.kill();
    this.#page = undefined;
  }

  async close(): Promise<void> {
    await this.#profile.delete();
    await this.#site.close();
  }
}
