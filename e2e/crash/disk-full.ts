/**
 * `disk-full`: fills the disk of the profile to 0 bytes at a random moment. Frees it again or not, and kills
 * the browser. The next browser must never find an older guest than the page reported as saved.
 *
 * On a full disk Chromium deletes all data of a site without the permission for persistent storage. Half
 * of the profiles lack it. There the page must at least report the loss.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prompt } from '../support/linux-guest.ts';
import { Profile } from '../support/profile.ts';
import { expect, Guest } from '../support/test.ts';
import {
  busyGuest,
  describeStorage,
  lookAt,
  lossNotice,
  openedGuest,
  type SeenGuest,
} from './seen-guest.ts';
import type { SmallDisk } from './small-disk.ts';

/** Times in ms. */
interface DiskFullRound {
  filledMs: number;
  /** Missing if the disk was full when the browser was killed. */
  emptiedMs?: number;
  /** The site's data is persistent, because its visitor agreed. */
  isPersistent: boolean;
  /** The browser deleted all of it, and the page reported that. */
  isGone?: boolean;
  /** The page reported that nothing can be saved. */
  wasReported: boolean;
  /**
   * Age of the next browser's guest, against the newest that was reported as saved. Negative:
   * newer.
   */
  olderByMs: number;
  /** From free space to a guest that is saved again. */
  savedAgainMs?: number;
}

/** Size of a profile, both copies and a move of them, MiB. */
export const smallDiskMiB = 420;
const roundsOfProfile = 4;
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

export class DiskFullRounds {
  readonly #url: string;
  readonly #disk: SmallDisk;
  #profile: Profile | undefined;
  #guest: Guest | undefined;
  #isPersistent = false;
  /** Rounds of this profile. */
  #left = 0;

  constructor(siteUrl: string, disk: SmallDisk) {
    this.#url = siteUrl;
    this.#disk = disk;
  }

  async round(below: (limit: number) => number): Promise<DiskFullRound> {
    if (this.#left === 0) await this.close();
    const guest = this.#guest ?? (await this.#begin());
    this.#left--;
    await wait(below(1500));
    const round: DiskFullRound = {
      filledMs: 500 + below(5000),
      isPersistent: this.#isPersistent,
      wasReported: false,
      olderByMs: 0,
    };
    const isEmptied = below(2) === 0;
    const livedMs = isEmptied ? below(9_000) : 0;
    let newest = (await lookAt(guest)).takenAtMs ?? 0;
    const watch = async (forMs: number, each: () => void) => {
      const untilMs = Date.now() + forMs;
      while (Date.now() < untilMs) {
        each();
        const { state, takenAtMs = 0 } = await lookAt(guest);
        if (state === 'saved') newest = Math.max(newest, takenAtMs);
        round.wasReported ||= state === 'failing';
        await wait(30);
      }
    };
    await watch(round.filledMs, () => this.#disk.fill());
    const fullUntil = newest;
    if (isEmptied) {
      this.#disk.empty();
      const emptiedAtMs = Date.now();
      round.emptiedMs = livedMs;
      await watch(livedMs, () => {
        if (newest > fullUntil) round.savedAgainMs ??= Date.now() - emptiedAtMs;
      });
    }
    await this.#profile?.kill();
    const after = await this.#openAfter(newest, isEmptied);
    if (after.startSource?.kind === 'resumed') {
      round.olderByMs = newest - (after.startSource.takenAtMs ?? 0);
    } else {
      round.isGone = true;
      await this.close();
    }
    return round;
  }

  /** @returns the guest of the first page that can read its storage */
  async #openAfter(newest: number, isEmptied: boolean): Promise<SeenGuest> {
    if (!isEmptied) await this.#openFull(newest);
    this.#disk.empty();
    const guest = this.#guest && !isEmptied ? this.#guest : await this.#open();
    const seen = await openedGuest(guest);
    await this.#require(guest, seen, newest);
    if (seen.startSource?.kind !== 'resumed') return seen;
    await expect
      .poll(async () => (await lookAt(guest)).takenAtMs ?? 0, { timeout: 90_000 })
      .toBeGreaterThan(newest)
      .catch(async (cause) => {
        const now = JSON.stringify(await lookAt(guest));
        const disk = `${this.#disk.freeMiB} MiB are free`;
        throw new Error(`Not saved again: ${now}, ${disk}, ${await describeStorage(guest)}`, {
          cause,
        });
      });
    return seen;
  }

  /**
   * Starts a browser on the full disk. It must resume the guest, or report that it cannot be read
   * or saved.
   */
  async #openFull(newest: number): Promise<void> {
    const guest = await this.#open();
    const seen = await openedGuest(guest);
    if (seen.startSource?.kind === 'resumed') return this.#require(guest, seen, newest);
    await expect
      .poll(async () => (await lookAt(guest)).notices, { timeout: 60_000 })
      .toMatch(lossNotice)
      .catch(async (cause) => {
        const now = JSON.stringify(await lookAt(guest));
        throw new Error(`Nothing is said: ${now}, ${await describeStorage(guest)}`, { cause });
      });
    // Another guest runs beside what is stored: with room, the next browser must have it.
    await this.#profile?.kill();
    this.#disk.empty();
    await this.#open();
  }

  async #require(guest: Guest, { startSource, notices }: SeenGuest, newest: number): Promise<void> {
    if (startSource?.kind !== 'resumed') {
      const told = await expect
        .poll(async () => (await lookAt(guest)).notices, { timeout: 20_000 })
        .toMatch(/is gone|threw away/)
        .then(
          () => true,
          () => false,
        );
      if (told && !this.#isPersistent) return;
      const disk = `${this.#disk.freeMiB} MiB are free`;
      throw new Error(`The guest is gone: ${disk}, ${await describeStorage(guest)}`);
    }
    expect(startSource.takenAtMs, notices).toBeGreaterThanOrEqual(newest);
  }

  async close(): Promise<void> {
    await this.#profile?.delete();
    this.#disk.empty();
    this.#profile = undefined;
    this.#guest = undefined;
  }

  async #begin(): Promise<Guest> {
    this.#profile = await Profile.make(this.#disk.folder);
    this.#isPersistent = !this.#isPersistent;
    this.#left = roundsOfProfile;
    if (this.#isPersistent) await this.#letKeep(this.#profile);
    const guest = await this.#open();
    await guest.waitForSerial(prompt, { timeout: 60_000 });
    if (this.#isPersistent) {
      await expect.poll(() => guest.page.evaluate(() => navigator.storage.persist())).toBe(true);
    }
    await guest.execute(busyGuest);
    await guest.machine((machine) => machine.checkpoint());
    return guest;
  }

  /**
   * Writes the permission for persistent storage into the profile. A permission that is granted to
   * a running browser would be too late: on a full disk it deletes data when it starts.
   */
  async #letKeep({ folder }: Profile): Promise<void> {
    const { origin } = new URL(this.#url);
    const exceptions = { durable_storage: { [`${origin},*`]: { setting: 1 } } };
    await mkdir(join(folder, 'Default'), { recursive: true });
    await writeFile(
      join(folder, 'Default/Preferences'),
      JSON.stringify({ profile: { content_settings: { exceptions } } }),
    );
  }

  async #open(): Promise<Guest> {
    if (!this.#profile) throw new Error('There is no profile.');
    const context = await this.#profile.start();
    const page = await context.newPage();
    const guest = await Guest.in(page);
    this.#guest = guest;
    await page.goto(this.#url);
    return guest;
  }
}

export const describeDiskFull = (round: DiskFullRound) =>
  `disk-full: ${round.isPersistent ? 'persistent' : 'not persistent'}, full for ${round.filledMs} ms, ${
    round.emptiedMs === undefined
      ? 'killed full'
      : `emptied, killed after ${round.emptiedMs} ms, saved again after ${round.savedAgainMs ?? '–'} ms`
  }, ${round.wasReported ? 'told' : 'nothing to tell'}, ${
    round.isGone
      ? 'deleted by the browser, told'
      : `resumed ${round.olderByMs} ms before what was said to be saved`
  }`;
