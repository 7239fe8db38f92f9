import type { RestartTimings } from '../../protocol/events.ts';
import type { RestartReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import { type ActiveRuntime, handOver, LostGuestError } from '../runtimes/hand-over.ts';
import { discardReady } from '../runtimes/next-runtime.ts';

/**
 * Live update in memory. The guest runs in its present runtime until the other one is ready.
 * Resolves with the previous runtime, which the caller must destroy.
 * @throws HoldfastError after the guest resumed in its present runtime
 */
export async function liveRestart(
  { execution, next, memory }: Pick<GuestParts, 'execution' | 'next' | 'memory'>,
  source: RuntimeSource,
): Promise<{ report: RestartReport; from: ActiveRuntime }> {
  const from = execution.hosted;
  const ready = await next.prepare(source);
  let timings: RestartTimings;
  try {
    await next.bounded('stop', source, () => from.instance.quiesce());
    // The guest ran until now: it may have been paused or have crashed.
    execution.requireLive('restart', 'stop');
    const isRunning = execution.runstate === 'running';
    const done = handOver({
      from,
      to: ready,
      wasRunning: isRunning,
      run: isRunning,
      loaded: (instance) => memory.attachNow(instance),
    });
    timings = { prepareMs: ready.prepareMs, ...done.timings };
    execution.handedOver({ instance: done.instance, host: ready.host }, source);
  } catch (thrown) {
    discardReady(ready);
    if (thrown instanceof LostGuestError && execution.activeRuntime) execution.crashed(thrown);
    throw thrown;
  }
  const { v86Version } = execution.instance;
  return { report: { runtimeId: source.id, v86Version, timings }, from };
}
