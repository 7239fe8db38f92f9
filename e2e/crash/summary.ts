/** Summarises crash rounds in a few lines. */
import type { Round } from './rounds.ts';
import { workloadNames } from './workloads.ts';

/** Highest age of a guest by the promise, on a computer that is fast enough, ms. */
const promisedMs = 2000;

export function describeRound({ workload, livedMs, startSource, ...ages }: Round): string {
  const { ageMs, guestAgeMs, reportedAgeMs } = ages;
  return `${workload}: killed after ${livedMs} ms, ${startSource}, lost ${ms(ageMs)} (guest's clock ${ms(guestAgeMs)}), the page knew of ${ms(reportedAgeMs)}`;
}

/** Returns a line for each workload, with its losses. */
export function summarize(rounds: readonly Round[]): string[] {
  return workloadNames.flatMap((name) => {
    const own = rounds.filter(({ workload }) => workload === name);
    const ages = sorted(own.map(({ ageMs }) => ageMs));
    const guestAges = sorted(own.map(({ guestAgeMs }) => guestAgeMs));
    const late = ages.filter((age) => age > promisedMs).length;
    if (own.length === 0) return [];
    const booted = own.filter(({ startSource }) => startSource === 'booted').length;
    return `${name}: ${own.length} rounds, ${booted} booted anew; lost ${spread(ages)}, by the guest's clock ${spread(guestAges)}; over ${promisedMs} ms: ${late}`;
  });
}

const ms = (value: number | undefined) => (value === undefined ? '–' : `${Math.round(value)} ms`);

const sorted = (values: (number | undefined)[]) =>
  values.filter((value) => value !== undefined).sort((a, b) => a - b);

function spread(values: readonly number[]): string {
  const at = (share: number) => ms(values[Math.floor((values.length - 1) * share)]);
  return `${at(0.5)} (p50), ${at(0.95)} (p95), ${at(1)} (most)`;
}
