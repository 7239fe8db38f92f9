/** Emulators that a guest can be handed to, and their labels. No DOM. */
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
 * Every runtime of this build. The first is proposed: the newest, or the next one if the newest runs
 * already. The running one is last, because an update to the same code works too.
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

/** Label of an update: versions, or ids if the versions are equal, or that the runtime is the same. */
function updateLabel(from: RunningRuntime, to: Pick<RuntimeBuild, 'id' | 'v86Version'>): string {
  if (from.v86Version !== to.v86Version) return `${from.v86Version} → ${to.v86Version}`;
  if (from.runtimeId !== to.id) return `${from.runtimeId} → ${to.id}`;
  return `${from.v86Version} again`;
}

/**
 * The newest runtime of this build, if it is newer than the running one or another build of its version.
 */
export function newerRuntime(
  runtimes: readonly RuntimeBuild[],
  running: RunningRuntime,
): RuntimeBuild | null {
  const newest = runtimes[0];
  if (!newest || newest.id === running.runtimeId) return null;
  // The running runtime may come from a later deploy than this page.
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
