/**
 * Runs a throwaway guest on a runtime that is about to take over.
 *
 * Engines compile WebAssembly functions when they are first called, quickly, and again, well,
 * once they turn out to be hot. A module that has never run is therefore several times slower
 * for a second or two, which a user would see as a brown-out after the hand-over. Compiled code
 * belongs to the module and not to its instances, so a throwaway guest in scratch memory can be
 * the one that suffers it, while the real guest still runs on the old runtime.
 */
import type { V86Core } from '../core/v86-core.ts';
import { yieldToEventLoop } from '../core/yield-to-event-loop.ts';

/** Part of the worker's time that the throwaway guest takes at once. */
const sliceMs = 4;
/** The longest that a live update is held up for this. */
const budgetMs = 2500;
/** Speed is compared over windows of this much of the throwaway guest's own time. */
const windowMs = 100;
/** Warm when this many windows in a row bring no new best. */
const patience = 4;

interface WarmUpReport {
  /** Wall time, ms. */
  tookMs: number;
  /** Guest instructions per millisecond, for each window. */
  speeds: number[];
}

/** Runs `core`'s guest until its speed no longer grows. */
export async function warmUp(
  core: V86Core,
  clock: () => number,
  signal?: AbortSignal,
): Promise<WarmUpReport> {
  const begin = clock();
  const speeds: number[] = [];
  let best = 0;
  let sinceBest = 0;
  while (sinceBest < patience && clock() - begin < budgetMs && !signal?.aborted) {
    const speed = await runWindow(core, clock);
    speeds.push(speed);
    sinceBest = speed > best * 1.05 ? 0 : sinceBest + 1;
    best = Math.max(best, speed);
  }
  return { tookMs: clock() - begin, speeds };
}

/** @returns instructions per millisecond over {@link windowMs} of the guest's own time. */
async function runWindow(core: V86Core, clock: () => number): Promise<number> {
  const { instruction_counter: counter } = core.cpu;
  const before = counter[0] ?? 0;
  let ran = 0;
  while (ran < windowMs) {
    const start = clock();
    let idleMs = 0;
    do idleMs = core.step();
    while (idleMs < 1 && clock() - start < sliceMs);
    ran += clock() - start;
    if (idleMs >= 1) ran += idleMs;
    await yieldToEventLoop();
  }
  return (((counter[0] ?? 0) - before) >>> 0) / windowMs;
}
