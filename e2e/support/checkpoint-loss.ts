/**
 * Measures how much a guest loses that returns to its last checkpoint; the page may be of any
 * browser.
 */
import { expect } from '@playwright/test';
import type { PlaygroundWindow } from './playground-window.ts';

/** The part of a page that this needs: Playwright's and Puppeteer's have it. */
interface AnyPage {
  evaluate<T>(run: () => T | Promise<T>): Promise<T>;
}

declare const window: PlaygroundWindow & { holdfastTaken?: number[] };

const reloads = 5;
/**
 * Checkpoints that are awaited before each reload: the first ones follow from the resume itself.
 */
const checkpoints = 3;

/**
 * Reloads repeatedly. Nothing that the page knew to be saved may be lost. Normally no more may be
 * lost than the guest's work between two checkpoints.
 * @param reload resolves when the guest runs again
 */
export async function expectLittleLost(page: AnyPage, reload: () => Promise<void>): Promise<void> {
  const lostMs: number[] = [];
  let longestMs = 0;
  for (let round = 0; round < reloads; round++) {
    await page.evaluate(noteCheckpoints);
    const taken = () => page.evaluate(() => window.holdfastTaken ?? []);
    await expect
      .poll(async () => (await taken()).length, { timeout: 60_000 })
      .toBeGreaterThan(checkpoints);
    const noted = await taken();
    for (const [index, at] of noted.slice(1).entries())
      longestMs = Math.max(longestMs, at - (noted[index] ?? at));
    const leftAtMs = Date.now();
    await reload();
    const startSource = await page.evaluate(() => window.holdfast?.machine?.status?.startSource);
    if (startSource?.kind !== 'resumed') throw new Error('The guest was not resumed.');
    expect(startSource.takenAtMs).toBeGreaterThanOrEqual(noted.at(-1) ?? 0);
    lostMs.push(leftAtMs - startSource.takenAtMs);
  }
  // The median of all, because the computer may be busy during a single one.
  const median = lostMs.sort((a, b) => a - b)[Math.floor(reloads / 2)];
  expect(median).toBeLessThanOrEqual(longestMs);
}

/** Runs in the page. */
function noteCheckpoints(): void {
  const taken: number[] = [];
  window.holdfastTaken = taken;
  window.holdfast?.machine?.on('status', ({ status }) => {
    const at = status.durability?.takenAtMs;
    if (at !== undefined && at !== taken.at(-1)) taken.push(at);
  });
}
