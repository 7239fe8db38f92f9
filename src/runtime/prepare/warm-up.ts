/**
 * Runs a throwaway guest on a runtime that is about to take over.
 *
 * Engines compile WebAssembly functions quickly at their first call, and better once they are hot.
 * So a module that has never run is several times slower for a second or two. A user would see this
 * as a brown-out after the hand-over. Compiled code belongs to the module, not to its instances. So
 * a throwaway guest in scratch memory absorbs the slow phase. The real guest still runs on the old
 * runtime.
 */
import type { V86Core } from '../core/v86-core.ts';
import { yieldToEventLoop } from '../core/yield-to-event-loop.ts';

/** Part of the worker's time that the throwaway guest takes at a time. */
const sliceMs = 4;
/** The longest delay of a live update for this. */
const budgetMs = 2500;
/** Window for speed comparisons, in the throwaway guest's own time. */
const windowMs = 100;
/** The module is warm when this many successive windows bring no new best speed. */
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
