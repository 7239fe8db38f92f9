/** Resource usage of a browser's processes. Linux only: elsewhere it has no numbers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Browser } from '@playwright/test';

async function rendererPids(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}

/** Processor time that each thread of the renderers has had so far, ms. */
async function threadTimes(browser: Browser): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const pid of await rendererPids(browser)) {
    const folder = `/proc/${pid}/task`;
    for (const thread of existsSync(folder) ? readdirSync(folder) : []) {
      try {
        const [nanoseconds] = readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ');
        times.set(thread, Number(nanoseconds) / 1e6);
      } catch {
        // The thread has ended meanwhile.
      }
    }
  }
  return times;
}

/**
 * Runs `work` and finds the thread that worked most: the one that emulates.
 * @returns the result, and that thread's processor time, ms. Unlike wall-clock time it hardly
 * depends on other work of the computer.
 */
export async function withThreadTime<T>(
  browser: Browser,
  work: () => Promise<T>,
): Promise<{ result: T; threadMs: number }> {
  const before = await threadTimes(browser);
  const result = await work();
  const after = await threadTimes(browser);
  const grown = [...after].map(([thread, time]) => time - (before.get(thread) ?? 0));
  return { result, threadMs: grown.length ? Math.max(...grown) : Number.NaN };
}

/**
 * Returns the memory of the largest renderer, KiB. Files do not count: the share of the browser's
 * own binary in a process changes with every other browser on the computer.
 */
export async function largestRendererKiB(browser: Browser): Promise<number> {
  let largest = 0;
  for (const pid of await rendererPids(browser)) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kib = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1]);
    largest = Math.max(largest, kib('Pss_Anon') + kib('Pss_Shmem') + kib('SwapPss'));
  }
  return largest;
}
