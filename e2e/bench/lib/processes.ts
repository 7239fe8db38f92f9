/** What a browser's processes use of this machine. Linux only: elsewhere there are no numbers. */
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
 * Runs something and finds the thread that worked most: the one that emulates.
 * @returns the result, and that thread's processor time, ms. Unlike time on the clock it hardly
 *   depends on what else the machine does.
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
 * Memory of the renderer that has most of it, KiB. Without files: how much of the browser's own
 * binary counts for a process changes with every other browser on the machine.
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
