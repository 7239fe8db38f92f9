/** Which emulator a guest can be handed to, and how to name it. No DOM. */
import type { RuntimeBuild } from 'virtual:holdfast-build';

/** The runtime that runs the guest now. */
interface RunningRuntime {
  runtimeId: string;
  v86Version: string;
}

interface UpdateChoice {
  runtime: RuntimeBuild;
  /** `0.5.409 → 0.5.462` */
  label: string;
}

/**
 * Every runtime of this build, the one to propose first: the newest, or the next one if the
 * newest runs already. The running one comes last: handing over to the same code works too.
 */
export function updateChoices(
  runtimes: readonly RuntimeBuild[],
  running: RunningRuntime,
): UpdateChoice[] {
  const others = runtimes.filter(({ id }) => id !== running.runtimeId);
  const same = runtimes.filter(({ id }) => id === running.runtimeId);
  return [...others, ...same].map((runtime) => ({
    runtime,
    label: updateLabel(running, runtime),
  }));
}

/** Versions where they differ, else the ids, else that it is the same. */
function updateLabel(from: RunningRuntime, to: Pick<RuntimeBuild, 'id' | 'v86Version'>): string {
  if (from.v86Version !== to.v86Version) return `${from.v86Version} → ${to.v86Version}`;
  if (from.runtimeId !== to.id) return `${from.runtimeId} → ${to.id}`;
  return `${from.v86Version} again`;
}

/** The newest runtime of this build, if it is newer than what runs or another build of the same version. */
export function newerRuntime(
  runtimes: readonly RuntimeBuild[],
  running: RunningRuntime,
): RuntimeBuild | null {
  const newest = runtimes[0];
  if (!newest || newest.id === running.runtimeId) return null;
  // What runs may come from a later deploy than this page.
  return compareVersions(newest.v86Version, running.v86Version) >= 0 ? newest : null;
}

/** Negative, zero or positive, as for `sort`; dotted numbers. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
