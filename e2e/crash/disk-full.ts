/**
 * `disk-full`: the disk of the profile is filled to 0 bytes at a random moment, emptied again or not, and
 * the browser is killed. The next one must never find less than the page said was saved. On a full disk
 * Chromium deletes all data of a site that may not keep it: half of the profiles may not, and there the
 * page must at least say what is gone.
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
  openedGuest,
  type SeenGuest,
  toldOfLoss,
} from './seen-guest.ts';
import type { SmallDisk } from './small-disk.ts';

/** Times in ms. */
interface DiskFullRound {
  filledMs: number;
  /** Absent: it was full when the browser was killed. */
  emptiedMs?: number;
  /** The site's data is persistent: its visitor agreed. */
  isPersistent: boolean;
  /** The browser deleted all of it, and the page said so. */
  isGone?: boolean;
  /** The page said that nothing can be saved. */
  wasTold: boolean;
  /** What the next browser had, against the newest that was said to be saved. Negative: newer. */
  olderByMs: number;
  /** From room to a guest that is saved again. */
  savedAgainMs?: number;
}

/** What a profile, both copies and a move of them take, MiB. */
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
      wasTold: false,
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
        round.wasTold ||= state === 'failing';
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

  /** @returns what the first page that can read its storage has */
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

  /** A browser that starts on the full disk resumes the guest, or says that it cannot be read or saved. */
  async #openFull(newest: number): Promise<void> {
    const guest = await this.#open();
    const seen = await openedGuest(guest);
    if (seen.startSource?.kind === 'resumed') return this.#require(guest, seen, newest);
    await expect
      .poll(async () => (await lookAt(guest)).notices, { timeout: 60_000 })
      .toMatch(toldOfLoss)
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
   * The site's user has agreed, and the profile says so: a permission that is given to a browser that runs comes
   * after what it deletes as it starts on a full disk.
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
  }, ${round.wasTold ? 'told' : 'nothing to tell'}, ${
    round.isGone
      ? 'deleted by the browser, told'
      : `resumed ${round.olderByMs} ms before what was said to be saved`
  }`;
