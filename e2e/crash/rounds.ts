/** Kills of a whole browser at random moments, and what the next one on its profile finds. */

import { playground } from '../support/playground-page.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { Profile } from '../support/profile.ts';
import { expect, Guest } from '../support/test.ts';
import { describePage } from './seen-guest.ts';
import { type Lab, type Workload, type WorkloadName, workloads } from './workloads.ts';

/** Result of a round. Times in ms. */
export interface Round {
  workload: WorkloadName;
  /** From the start of the watch to the kill. */
  livedMs: number;
  startSource: 'resumed' | 'booted';
  /**
   * The loss: from the cut that was resumed to the kill, without the time in between in which no
   * guest ran. Missing for a guest that booted again.
   */
  ageMs?: number;
  /** The same by the guest's own clock: from its uptime in the cut to the last that the page saw. */
  guestAgeMs?: number;
  /** From the last checkpoint that the page was notified of to the kill. */
  reportedAgeMs?: number;
}

/** The last state of a guest that the page has seen. */
interface Seen {
  takenAtMs?: number | undefined;
  uptimeMs?: number | undefined;
  atMs: number;
}

/** An intact guest is resumed or boots within this, ms, on a busy computer. */
const openMs = 60_000;
const pollMs = 30;
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** One profile, and the lives of one guest in it. */
export class CrashRounds {
  readonly #name: WorkloadName;
  readonly #workload: Workload;
  readonly #url: string;
  readonly #lab: Lab;
  #profile: Profile | undefined;
  #guest: Guest | undefined;
  /** Start of the guest's present life. */
  #born: { takenAtMs: number; resumedAtMs: number } | undefined;

  constructor(name: WorkloadName, siteUrl: string, lab: Lab) {
    this.#name = name;
    this.#workload = workloads[name];
    this.#url = siteUrl + this.#workload.query;
    this.#lab = lab;
  }

  /**
   * Lets the guest live, kills its browser, and checks the guest that the next browser has.
   * @param below a random integer from 0 to below its argument
   */
  async round(below: (limit: number) => number): Promise<Round> {
    const { killMs, fromNothing } = this.#workload;
    if (fromNothing) await this.close();
    const guest = this.#guest ?? (await this.#begin());
    const [least, most] = killMs;
    const livedMs = least + below(most - least);
    const killedAtMs = Date.now() + livedMs;
    const seen = await this.#watch(guest, killedAtMs);
    await this.#profile?.kill();

    const after = await this.#open();
    await after
      .waitUntil(
        () => window.holdfast?.machine?.status?.runstate === 'running',
        'There is no guest that runs',
        { timeout: openMs },
      )
      .catch(async (cause) => {
        throw new Error(`There is no guest that runs: ${await describeRound(after)}`, { cause });
      });
    const found = await look(after);
    const { startSource } = await after.status();
    const round: Round = {
      workload: this.#name,
      livedMs,
      startSource: startSource?.kind === 'resumed' ? 'resumed' : 'booted',
    };
    if (seen.takenAtMs !== undefined) {
      round.reportedAgeMs = killedAtMs - seen.takenAtMs;
      if (startSource?.kind !== 'resumed')
        throw new Error(`What was in storage is gone: ${await describeRound(after)}`);
    }
    if (startSource?.kind === 'resumed') {
      expect(startSource.fellBack).toBeUndefined();
      expect(startSource.takenAtMs).toBeGreaterThanOrEqual(seen.takenAtMs ?? 0);
      const born = this.#born;
      // Without a checkpoint since its life began the guest loses that life, but not the pause
      // before it.
      const fromMs =
        born?.takenAtMs === startSource.takenAtMs ? born.resumedAtMs : startSource.takenAtMs;
      round.ageMs = killedAtMs - fromMs;
      this.#born = startSource;
      if (seen.uptimeMs !== undefined && found.uptimeMs !== undefined) {
        round.guestAgeMs =
          seen.uptimeMs - (found.uptimeMs - (found.atMs - startSource.resumedAtMs));
      }
      await expect(playground(after.page).state('found')).toContainText(
        'resumed from a checkpoint',
      );
    }
    await this.#workload.verify(after, this.#lab);
    return round;
  }

  async close(): Promise<void> {
    await this.#profile?.delete();
    this.#profile = undefined;
    this.#guest = undefined;
    this.#born = undefined;
  }

  async #begin(): Promise<Guest> {
    this.#profile = await Profile.make();
    const guest = await this.#open();
    if (this.#workload.fromNothing) return guest;
    await guest.waitUntil(
      () => window.holdfast?.machine?.status != null,
      'The page did not attach to a guest',
      { timeout: openMs },
    );
    await this.#workload.begin(guest, this.#lab);
    // The running workload is in storage from here on: no life begins with a boot.
    await guest.machine((machine) => machine.checkpoint());
    return guest;
  }

  async #open(): Promise<Guest> {
    if (!this.#profile) throw new Error('There is no profile.');
    const page = await (await this.#profile.start()).newPage();
    this.#guest = await Guest.in(page);
    await page.goto(this.#url);
    return this.#guest;
  }

  /** @returns the last state that the page saw before `untilMs` */
  async #watch(guest: Guest, untilMs: number): Promise<Seen> {
    let seen: Seen = { atMs: Date.now() };
    while (Date.now() + pollMs < untilMs) {
      const now = await look(guest);
      if (Date.now() >= untilMs) break;
      seen = now;
      await wait(pollMs);
    }
    await wait(untilMs - Date.now());
    return seen;
  }
}

declare const window: PlaygroundWindow & {
  holdfastTap: { read(console: string, from: number): { end: number; text: string } };
};

/** Describes a page that does not show the expected guest. */
async function describeRound({ page }: Guest): Promise<string> {
  const said = (await page.consoleMessages()).map((message) => message.text());
  const seen = await page.evaluate(async () => ({
    machine: window.holdfast?.machine?.status ?? null,
    stored: await window.holdfast?.machine?.storage.list().catch(String),
    hidden: document.hidden,
    visited: localStorage.getItem('holdfast.visited'),
  }));
  return JSON.stringify({ ...seen, ...(await describePage({ page })), said });
}

async function look({ page }: Guest): Promise<Seen> {
  const tailBytes = 400;
  const { tail, ...seen } = await page.evaluate((bytes) => {
    const { end } = window.holdfastTap.read('serial0', Number.POSITIVE_INFINITY);
    return {
      atMs: Date.now(),
      takenAtMs: window.holdfast?.machine?.status?.durability?.takenAtMs,
      tail: window.holdfastTap.read('serial0', end - bytes).text,
    };
  }, tailBytes);
  const uptime = [...tail.matchAll(/tick \d+ ([\d.]+)\r\n/g)].at(-1)?.[1];
  return { ...seen, uptimeMs: uptime === undefined ? undefined : Number(uptime) * 1000 };
}
