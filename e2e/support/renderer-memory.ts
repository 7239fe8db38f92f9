/** Measures the private memory of the browser's renderers, in which pages and their workers run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Browser } from '@playwright/test';

/** Returns the ids of the processes that exist now. */
async function renderers(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}

/** Returns the ids of processes that run a shared worker; none without /proc. */
export async function keeperProcesses(browser: Browser): Promise<number[]> {
  return (await renderers(browser)).filter((id) => {
    const threads = `/proc/${id}/task`;
    if (!existsSync(threads)) return false;
    return readdirSync(threads).some((thread) => {
      const file = `${threads}/${thread}/comm`;
      return existsSync(file) && readFileSync(file, 'utf8').startsWith('SharedWorker');
    });
  });
}

/**
 * Returns the anonymous memory of a process, MiB: without the browser's program, which every
 * process maps.
 */
function anonymousMiB(id: number): number {
  const file = `/proc/${id}/status`;
  // A process that ended meanwhile has none.
  const status = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return Number(/RssAnon:\s*(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/**
 * Measures only renderers that existed before, because browsers start spare ones at any time.
 * @param of only these; all that exist if absent
 * @returns the most that one of them grew while `work` ran, MiB
 */
export async function rendererGrowthMiB(
  browser: Browser,
  work: Promise<unknown>,
  of?: readonly number[],
): Promise<number> {
  const before = new Map((of ?? (await renderers(browser))).map((id) => [id, anonymousMiB(id)]));
  let most = 0;
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    for (const [id, had] of before) most = Math.max(most, anonymousMiB(id) - had);
    await new Promise((next) => setTimeout(next, 20));
  }
  await done;
  return most;
}
