import { CprError, type RestartPhase } from '../errors.ts';
import type { PreparedRuntime, RuntimeInstance } from '../protocol/abi.ts';
import type { RestartTimings } from '../protocol/events.ts';
import { adoptCprError } from '../protocol/wire-error.ts';
import type { GatedHost } from './gated-host.ts';

/** A runtime with the host it talks to. */
export interface HostedInstance {
  instance: RuntimeInstance;
  host: GatedHost;
}

export interface HandOverRequest {
  from: HostedInstance;
  to: { prepared: PreparedRuntime; host: GatedHost };
  /** A guest that is paused stays paused. */
  wasRunning: boolean;
}

export type HandOverTimings = Omit<RestartTimings, 'prepareMs'>;

/** The old runtime could not be put back either: the guest is lost. */
export class LostGuestError extends CprError {}

/**
 * Hands the guest over. Synchronous from the first line to the last: no time passes for anybody
 * else, so nobody ever sees the machine between two runtimes.
 * @throws CprError with its phase, after the old runtime was put back and the guest goes on.
 * @throws LostGuestError when putting it back failed too.
 */
export function handOver(request: HandOverRequest): {
  instance: RuntimeInstance;
  timings: HandOverTimings;
} {
  const { from, to, wasRunning } = request;
  let phase: RestartPhase = 'stop';
  let parked = false;
  let next: RuntimeInstance | undefined;
  const beganMs = performance.now();
  try {
    if (wasRunning) from.instance.stop();
    const stoppedMs = performance.now();

    phase = 'save';
    const vmstate = from.instance.save();
    const savedMs = performance.now();

    phase = 'swap';
    from.host.gate = 'closed';
    parked = true;
    from.instance.park();
    const parkedMs = performance.now();

    phase = 'load';
    to.host.gate = 'taking-over';
    next = to.prepared.load(vmstate);
    const loadedMs = performance.now();

    phase = 'run';
    if (wasRunning) next.run();
    to.host.rethrowCrash();
    const timings = {
      stopMs: stoppedMs - beganMs,
      saveMs: savedMs - stoppedMs,
      swapMs: parkedMs - savedMs,
      loadMs: loadedMs - parkedMs,
      pauseMs: performance.now() - beganMs,
      vmstateBytes: vmstate.byteLength,
    };
    to.host.gate = 'in-charge';
    return { instance: next, timings };
  } catch (thrown) {
    const error = CprError.from(
      adoptCprError(thrown),
      'runtime-failed',
      `The restart failed in phase "${phase}", the guest goes on in the old runtime`,
      phase,
    );
    putBack(request, next, parked, error);
    throw error;
  }
}

function putBack(
  { from, to, wasRunning }: HandOverRequest,
  next: RuntimeInstance | undefined,
  parked: boolean,
  error: CprError,
): void {
  to.host.gate = 'closed';
  try {
    // First, so that no slice of its is left to run over the memory that comes back.
    next?.destroy();
  } catch (thrown) {
    console.warn('A runtime that failed to take over also failed to end:', thrown);
  }
  try {
    if (parked) from.instance.unpark();
    from.host.gate = 'in-charge';
    if (wasRunning) from.instance.run();
  } catch (thrown) {
    const second = thrown instanceof Error ? thrown.message : String(thrown);
    throw new LostGuestError(
      error.code,
      `${error.message} — and the old runtime could not be put back: ${second}`,
      { cause: thrown, ...(error.phase && { phase: error.phase }) },
    );
  }
}
