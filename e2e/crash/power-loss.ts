/**
 * `power-loss`: copies a profile while its browser writes, with LevelDB files that are truncated,
 * emptied or missing. A browser on each copy resumes the guest, or reports the loss. If only one of
 * the two places is damaged, it resumes the newest guest that was reported as saved.
 */
import { cp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { prompt } from '../support/linux-guest.ts';
import { Profile } from '../support/profile.ts';
import { expect, Guest } from '../support/test.ts';
import { busyGuest, lookAt, lossNotice, openedGuest } from './seen-guest.ts';

export interface PowerLossRound {
  damage: string[];
  outcome: 'resumed' | 'resumed, told' | 'told';
  /**
   * Age of the resumed guest, against the newest that the page reported as saved when the copy
   * began.
   */
  olderByMs?: number;
  notices: string;
}

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

export class PowerLossRounds {
  readonly #url: string;
  #profile: Profile | undefined;
  #guest: Guest | undefined;

  constructor(siteUrl: string) {
    this.#url = siteUrl;
  }

  async round(below: (limit: number) => number): Promise<PowerLossRound> {
    const guest = this.#guest ?? (await this.#begin());
    // A checkpoint is taken every second.
    await wait(below(1500));
    return this.#damaged(guest, (folder) => damageLevelDb(folder, below));
  }

  /**
   * One place loses the end of its log, the other place everything: neither has the newest state.
   * @param whole which place loses everything
   */
  async roundWithoutEnds(whole: 'first' | 'copy'): Promise<PowerLossRound> {
    const guest = this.#guest ?? (await this.#begin());
    const { takenAtMs: first = 0 } = await lookAt(guest);
    await expect.poll(async () => (await lookAt(guest)).takenAtMs ?? 0).toBeGreaterThan(first);
    return this.#damaged(guest, (folder) => cutEnds(folder, whole));
  }

  async #damaged(
    guest: Guest,
    damageFiles: (folder: string) => Promise<string[]>,
  ): Promise<PowerLossRound> {
    const { takenAtMs: newest = 0 } = await lookAt(guest);
    const copy = await Profile.make();
    try {
      await this.#copyAtOnce(copy.folder);
      const damage = await damageFiles(copy.folder);
      const page = await (await copy.start()).newPage();
      const after = await Guest.in(page);
      await page.goto(this.#url);
      const { startSource } = await openedGuest(after);
      if (startSource?.kind === 'resumed') {
        const olderByMs = newest - (startSource.takenAtMs ?? 0);
        if (isOnePlace(damage)) expect(olderByMs, `older after ${damage}`).toBeLessThanOrEqual(0);
        if (olderByMs > 0) await this.#expectTold(after, damage);
        const { notices } = await lookAt(after);
        return {
          damage,
          outcome: lossNotice.test(notices) ? 'resumed, told' : 'resumed',
          olderByMs,
          notices,
        };
      }
      await this.#expectTold(after, damage);
      const { notices } = await lookAt(after);
      if (isOnePlace(damage)) throw new Error(`Not resumed after ${damage}: ${notices}`);
      return { damage, outcome: 'told', notices };
    } finally {
      await copy.delete();
    }
  }

  async #expectTold(after: Guest, damage: readonly string[]): Promise<void> {
    await expect
      .poll(async () => (await lookAt(after)).notices, {
        message: `Nothing is said after ${damage}`,
        timeout: 30_000,
      })
      .toMatch(lossNotice);
  }

  async close(): Promise<void> {
    await this.#profile?.delete();
    this.#profile = undefined;
    this.#guest = undefined;
  }

  /** The browser is stopped during the copy, because a power loss has one moment. */
  async #copyAtOnce(to: string): Promise<void> {
    const devtools = await this.#guest?.page.context().browser()?.newBrowserCDPSession();
    const { processInfo = [] } = (await devtools?.send('SystemInfo.getProcessInfo')) ?? {};
    const browser = processInfo.find(({ type }) => type === 'browser');
    if (!browser || !this.#profile) throw new Error('There is no browser.');
    process.kill(browser.id, 'SIGSTOP');
    try {
      await copyFolder(this.#profile.folder, to);
    } finally {
      process.kill(browser.id, 'SIGCONT');
    }
  }

  async #begin(): Promise<Guest> {
    this.#profile = await Profile.make();
    const page = await (await this.#profile.start()).newPage();
    const guest = await Guest.in(page);
    this.#guest = guest;
    await page.goto(this.#url);
    await guest.waitForSerial(prompt, { timeout: 60_000 });
    await guest.execute(busyGuest);
    await guest.machine((machine) => machine.checkpoint());
    return guest;
  }
}

/** Files that lock the profile are left out; files that disappear during the copy are missing. */
async function copyFolder(from: string, to: string): Promise<void> {
  for (const name of await readdir(from, { recursive: true, withFileTypes: true })) {
    const path = join(name.parentPath, name.name);
    if (!name.isFile() || name.name.startsWith('Singleton')) continue;
    const target = join(to, path.slice(from.length));
    await cp(path, target).catch((thrown) => {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
    });
  }
}

/** Lists the files of the LevelDBs that hold machines. */
async function levelDbFiles(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'Default'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => /IndexedDB\/.*\.leveldb\/(\d+\.|MANIFEST|CURRENT)/.test(path))
    .sort();
}

async function cutEnds(folder: string, whole: 'first' | 'copy'): Promise<string[]> {
  const done: string[] = [];
  for (const path of await levelDbFiles(folder)) {
    const isWhole = path.includes('/WebStorage/') === (whole === 'copy');
    const { size } = await stat(path);
    if (isWhole && path.includes('MANIFEST')) await rm(path);
    // More than the last checkpoint wrote there, less than everything.
    else if (!isWhole && path.endsWith('.log')) await truncate(path, Math.max(0, size - 2500));
    else continue;
    done.push(`${path.slice(folder.length)} ${isWhole ? 'removed' : 'truncated'}`);
  }
  return done;
}

/** Damages one to three of them. */
async function damageLevelDb(folder: string, below: (limit: number) => number): Promise<string[]> {
  const files = await levelDbFiles(folder);
  const done: string[] = [];
  for (let left = 1 + below(3); left > 0 && files.length > 0; left--) {
    const [path = ''] = files.splice(below(files.length), 1);
    const { size } = await stat(path);
    const way = (['truncated', 'emptied', 'removed'] as const)[below(3)];
    if (way === 'removed') await rm(path);
    else await truncate(path, way === 'emptied' ? 0 : below(size + 1));
    done.push(`${path.slice(folder.length)} ${way}`);
  }
  return done;
}

/** The other place is intact. */
const isOnePlace = (damage: readonly string[]) =>
  new Set(damage.map((path) => path.includes('/WebStorage/'))).size === 1;

export const describePowerLoss = ({ damage, outcome, olderByMs, notices }: PowerLossRound) =>
  `power-loss: ${damage.join(', ')}: ${outcome}${olderByMs === undefined ? '' : `, ${olderByMs} ms before the newest`} “${notices.slice(0, 160)}”`;
