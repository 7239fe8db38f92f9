/** Mode `restart`: the guest is held in the keeper, stopped, between cprSave and cprLoad. */
import type { CprSource } from '../../protocol/cpr.ts';
import type { CprLoadOptions, CprLoadReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { FrozenExecution } from '../guest/execution.ts';
import { handOver, LostGuestError } from '../runtimes/hand-over.ts';
import { discardReady, type ReadyRuntime } from '../runtimes/next-runtime.ts';
import { xxh64 } from './digest.ts';
import type { GuestParts } from './guest-parts.ts';
import { requireSameBlocks, requireSameCut } from './match.ts';
import type { KeptGuest, SaveMode, StoppedGuest } from './save-guest.ts';
import { composeVmstate, decomposeVmstate } from './sections.ts';
import { Steps } from './steps.ts';
import { readSource } from './targets.ts';
import { discardWaiting, getReady, type WaitingRuntime } from './waiting-runtime.ts';

/** A guest that was saved and waits, untouched, in the runtime it had, for the other to load it. */
export interface HeldGuest extends WaitingRuntime {
  readonly cut: string;
  readonly before: FrozenExecution;
}

/** Makes the other runtime ready for the guest. The runstate is then `inmigrate`. */
export class RestartSave implements SaveMode {
  readonly name = 'restart';
  readonly source: RuntimeSource;
  readonly #machine: GuestParts;
  #ready: ReadyRuntime | undefined;
  #held: HeldGuest | undefined;

  constructor(machine: GuestParts, source: RuntimeSource) {
    this.#machine = machine;
    this.source = source;
  }

  /** Once the guest is saved. */
  get held(): HeldGuest | undefined {
    return this.#held;
  }

  async prepare(): Promise<void> {
    this.#ready = await this.#machine.next.prepare(this.source);
  }

  save({ own, digest }: StoppedGuest): Uint8Array {
    return composeVmstate(this.#machine.execution.instance.save(), own, digest);
  }

  async keep(vmstate: Uint8Array): Promise<KeptGuest> {
    return { vmstate };
  }

  finish({ own, frozen: before }: StoppedGuest, steps: Steps): void {
    steps.take('hold', () => this.#machine.execution.enterIncoming());
    const { source } = this;
    this.#held = { cut: own.machine.cut, before, source, ready: this.#ready };
  }

  abandon(): void {
    if (this.#ready) discardReady(this.#ready);
  }
}

/**
 * Hands the guest over to the other runtime, with the device state from `source`. All of it is
 * checked before anything is touched.
 * @throws HoldfastError after the guest is held as before
 */
export async function loadHeld(
  machine: GuestParts,
  held: HeldGuest,
  source: CprSource,
  options: CprLoadOptions,
): Promise<CprLoadReport> {
  const { execution } = machine;
  const steps = new Steps('cprLoad', machine.around);
  const { result: bytes, tookMs: readMs } = await steps.wait('read', () =>
    readSource(source, machine.openStore),
  );
  const { h64Raw } = await xxh64();
  const saved = steps.take('decode', () => {
    const decoded = decomposeVmstate(bytes, h64Raw);
    requireSameCut(decoded.machine, machine.id, held.cut);
    requireSameBlocks(decoded.blocks, machine.backing);
    return decoded;
  });
  const { result: to, tookMs: prepareMs } = await steps.wait('prepare', () =>
    getReady(machine.next, held, options.runtime ?? held.source),
  );
  execution.requireFrozen();
  const from = execution.hosted;
  held.ready = undefined;
  const { runstate, wasSuspended, savedAtMs } = saved.machine;
  try {
    const { instance, timings } = handOver({
      from,
      to,
      wasRunning: false,
      run: runstate === 'running',
      vmstate: saved.device,
      around: steps.around,
      loaded: (loaded) => machine.memory.attachNow(loaded),
    });
    execution.loaded({ instance, host: to.host }, held.source, { runstate, wasSuspended });
    return {
      machineId: machine.id,
      runstate,
      savedAtMs,
      runtimeId: held.source.id,
      v86Version: instance.v86Version,
      timings: { readMs, prepareMs, loadMs: timings.pauseMs },
    };
  } catch (thrown) {
    discardReady(to);
    if (thrown instanceof LostGuestError) execution.crashed(thrown);
    throw thrown;
  }
}

/** The guest resumes in the runtime it had. */
export function releaseHeld(machine: GuestParts, held: HeldGuest): void {
  discardWaiting(held);
  machine.execution.thaw(held.before);
}
