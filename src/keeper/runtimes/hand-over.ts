import { HoldfastError, type RestartPhase } from '../../errors.ts';
import type { PreparedRuntime, RuntimeInstance } from '../../protocol/abi.ts';
import type { RestartTimings } from '../../protocol/events.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import type { GatedHost } from './gated-host.ts';

/** A runtime and its host. */
export interface ActiveRuntime {
  instance: RuntimeInstance;
  host: GatedHost;
}

/** The steps of a hand-over, each of which may fail. */
type HandOverStep = Extract<RestartPhase, 'stop' | 'save' | 'swap' | 'load' | 'run'>;

interface HandOverRequest {
  from: ActiveRuntime;
  to: { prepared: PreparedRuntime; host: GatedHost };
  /** True if the old runtime runs the guest now; it resumes it if this fails. */
  wasRunning: boolean;
  /** False for a paused guest, which stays paused. */
  run: boolean;
  /** State of a guest that was already stopped and saved. Without it, the hand-over does both. */
  vmstate?: Uint8Array;
  /** Called with the runtime that has loaded the guest, before it runs. It may refuse. */
  loaded?: (instance: RuntimeInstance) => void;
  /** Called around each step; an error that it throws is a failure of that step. */
  around?: (step: HandOverStep, when: 'before' | 'after') => void;
}

type HandOverTimings = Omit<RestartTimings, 'prepareMs'>;

/** The old runtime could not be restored either: the guest is lost. */
export class LostGuestError extends HoldfastError {}

/**
 * Hands the guest over. The function is synchronous: no other code runs in between, so no observer
 * sees the machine between two runtimes.
 * @throws HoldfastError with its phase, after the old runtime was restored and the guest resumed.
 * @throws LostGuestError if that restore failed too.
 */
export function handOver(request: HandOverRequest): {
  instance: RuntimeInstance;
  timings: HandOverTimings;
} {
  const { from, to, wasRunning, run, around, loaded } = request;
  let phase: HandOverStep = 'stop';
  let parked = false;
  let next: RuntimeInstance | undefined;
  const took: Record<HandOverStep, number> = { stop: 0, save: 0, swap: 0, load: 0, run: 0 };
  const step = <T>(name: HandOverStep, action: () => T): T => {
    phase = name;
    const fromMs = performance.now();
    around?.(name, 'before');
    const result = action();
    around?.(name, 'after');
    took[name] = performance.now() - fromMs;
    return result;
  };
  const beganMs = performance.now();
  try {
    if (wasRunning) step('stop', () => from.instance.stop());
    const vmstate = request.vmstate ?? step('save', () => from.instance.save());
    step('swap', () => {
      from.host.gate = 'closed';
      parked = true;
      from.instance.park();
    });
    const taken = step('load', () => {
      to.host.gate = 'taking-over';
      next = to.prepared.load(vmstate);
      loaded?.(next);
      return next;
    });
    step('run', () => {
      if (run) taken.run();
      to.host.rethrowCrash();
    });
    const timings = {
      stopMs: took.stop,
      saveMs: took.save,
      swapMs: took.swap,
      loadMs: took.load,
      pauseMs: performance.now() - beganMs,
      vmstateBytes: vmstate.byteLength,
    };
    to.host.gate = 'in-charge';
    return { instance: taken, timings };
  } catch (thrown) {
    const error = HoldfastError.from(
      adoptHoldfastError(thrown),
      'runtime-failed',
      `The hand-over failed in phase "${phase}", the runtime of before has the guest again`,
      phase,
    );
    rollBack(request, next, parked, error);
    throw error;
  }
}

function rollBack(
  { from, to, wasRunning }: HandOverRequest,
  next: RuntimeInstance | undefined,
  parked: boolean,
  error: HoldfastError,
): void {
  to.host.gate = 'closed';
  try {
    // First, so that no slice of it runs over the memory that is restored.
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
      `${error.message} — and the old runtime could not be restored: ${second}`,
      { cause: thrown, ...(error.phase && { phase: error.phase }) },
    );
  }
}
