/** Describes what a page shows of its guest, for rounds whose storage fails. */

import { selectors } from '../support/playground-page.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { expect, type Guest } from '../support/test.ts';

export interface SeenGuest {
  state?: string | undefined;
  takenAtMs?: number | undefined;
  startSource?: { kind: string; takenAtMs?: number } | undefined;
  runstate?: string | undefined;
  notices: string;
}

declare const window: PlaygroundWindow & Window;

export function lookAt({ page }: Guest): Promise<SeenGuest> {
  return page.evaluate((noticesSelector) => {
    const { runstate, startSource, durability } = window.holdfast?.machine?.status ?? {};
    return {
      runstate,
      startSource,
      state: durability?.state,
      takenAtMs: durability?.takenAtMs,
      notices: document.querySelector(noticesSelector)?.textContent ?? '',
    };
  }, selectors.notices);
}

/**
 * Returns the state of a page that was just opened: a guest that runs, or the message that explains
 * why none does.
 */
export async function openedGuest(guest: Guest): Promise<SeenGuest> {
  const isOpened = async () => {
    const { runstate, notices } = await lookAt(guest);
    return runstate === 'running' || lossNotice.test(notices);
  };
  await expect
    .poll(isOpened, { timeout: 120_000 })
    .toBe(true)
    .catch(async (cause) => {
      throw new Error(`No guest runs, and nothing says why: ${await describeShown(guest)}`, {
        cause,
      });
    });
  return lookAt(guest);
}

/** The text that a page shows, for the report of a failed round. */
export const describePage = ({ page }: Pick<Guest, 'page'>) =>
  page.evaluate(
    ({ notices, starting }) => ({
      isReady: 'holdfast' in window,
      boot: document.querySelector(starting)?.textContent,
      state: document.querySelector('.state')?.textContent?.replace(/\s+/g, ' '),
      notices: document.querySelector(notices)?.textContent,
    }),
    selectors,
  );

/** Describes a page whose keeper may not answer. */
async function describeShown({ page }: Guest): Promise<string> {
  const said = (await page.consoleMessages()).map((message) => message.text());
  const shown = await describePage({ page });
  return JSON.stringify({ ...shown, said });
}

/** Messages of the page for storage that is lost, cannot be read or cannot be written. */
export const lossNotice =
  /is gone|threw away|is damaged|was damaged|will not be saved|is not saved|in storage in its place|is full, or fails|does not open/;

/** Writes ten MiB of new RAM contents repeatedly, and a count on the console. */
export const busyGuest = `(n=0
while :; do
  n=$((n+1)); echo $n >/tmp/n
  read up _ </proc/uptime; echo "tick $n $up" >/dev/ttyS0
  dd if=/dev/urandom of=/tmp/noise bs=256k count=8 2>/dev/null
  usleep 100000
done) >/dev/null 2>&1 &`;

/**
 * Returns all that a page can find out about its storage, for the report of a round that failed.
 */
export async function describeStorage({ page }: Guest): Promise<string> {
  const found = await page.evaluate(async (noticesSelector) => {
    const buckets = await (
      navigator as unknown as { storageBuckets: { keys(): Promise<string[]> } }
    ).storageBuckets
      .keys()
      .catch(String);
    const storage = window.holdfast?.machine?.storage;
    const { held = [] } = await navigator.locks.query();
    const databases = await indexedDB.databases().catch(String);
    return {
      buckets,
      databases,
      locks: held.map(({ name }) => name).filter((name) => name?.startsWith('holdfast.')),
      stored: await storage?.list().catch(String),
      usage: await storage?.usage().catch(String),
      notices: document.querySelector(noticesSelector)?.textContent,
    };
  }, selectors.notices);
  return JSON.stringify(found);
}
