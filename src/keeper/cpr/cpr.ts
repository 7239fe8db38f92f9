import { HoldfastError } from '../../errors.ts';
import type { CprSource, CprTarget } from '../../protocol/cpr.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
} from '../../protocol/keeper-api.ts';
import type { DeviceStateItem } from '../../protocol/state-transfer.ts';
import type { ActiveRuntime } from '../runtimes/hand-over.ts';
import type { ReadyRuntime } from '../runtimes/next-runtime.ts';
import { loadStored, RebootSave } from './cpr-reboot.ts';
import { type HeldGuest, loadHeld, RestartSave, releaseHeld } from './cpr-restart.ts';
import type { GuestParts } from './guest-parts.ts';
import {
  type RestoredGuest,
  type RestoreGuestRequest,
  type Restoring,
  restoreGuest,
  type StoredSource,
} from './restore-guest.ts';
import { saveGuest } from './save-guest.ts';
import { Steps } from './steps.ts';
import { discardWaiting, type WaitingRuntime } from './waiting-runtime.ts';

/** cprSave and cprLoad of one machine, and what is ready for the next cprLoad in between. */
export class Cpr {
  readonly #machine: GuestParts;
  /** After cprSave in mode `restart`. */
  #held: HeldGuest | undefined;
  /** Started `incoming`: until a guest is loaded. */
  #awaiting: WaitingRuntime | undefined;

  constructor(machine: GuestParts) {
    this.#machine = machine;
  }

  /** Enters `inmigrate`: the machine has no guest, and a runtime that can take one. */
  enterIncoming(ready: ReadyRuntime): void {
    const { execution } = this.#machine;
    this.#awaiting = { source: execution.source, ready };
    execution.awaitIncoming();
  }

  async save(target: CprTarget, { mode, runtime }: CprSaveOptions): Promise<CprSaveReport> {
    const { execution } = this.#machine;
    execution.requireLive('save');
    if (mode === 'reboot') return saveGuest(this.#machine, target, new RebootSave(this.#machine));
    if (mode !== 'restart') throw new HoldfastError('bad-config', `There is no mode "${mode}".`);
    const restart = new RestartSave(this.#machine, runtime ?? execution.source);
    const report = await saveGuest(this.#machine, target, restart);
    this.#held = restart.held;
    return report;
  }

  /**
   * Loads a guest. Resolves also with the previous runtime, which the caller must destroy, or with
   * the guest's source in storage.
   */
  async load(
    source: CprSource,
    options: CprLoadOptions,
  ): Promise<{ report: CprLoadReport; from?: ActiveRuntime; origin?: StoredSource }> {
    const { execution } = this.#machine;
    execution.requireIncoming('load');
    if (this.#held) {
      const from = execution.hosted;
      const report = await loadHeld(this.#machine, this.#held, source, options);
      this.#held = undefined;
      return { report, from };
    }
    if (!this.#awaiting) throw new HoldfastError('internal', 'The machine awaits nothing.');
    const loaded = await loadStored(this.#machine, this.#awaiting, source, options);
    this.#awaiting = undefined;
    return loaded;
  }

  /** Resumes from the newest state in `store` that is whole. No vmstate has to name it. */
  async resumeStored({ store, restoring }: Restoring): Promise<StoredSource> {
    return { store, checkpoint: await this.#restoreGuest('resume', () => restoring) };
  }

  /** Brings a guest to life that arrives in the machine's memory. */
  openState(
    deviceState: Promise<DeviceStateItem>,
    rules?: Pick<RestoreGuestRequest<DeviceStateItem>, 'gapMs' | 'mayRun' | 'runs'>,
  ): Promise<DeviceStateItem> {
    return this.#restoreGuest('open a state', () => deviceState, rules);
  }

  async #restoreGuest<Restored extends RestoredGuest>(
    operation: string,
    restore: () => Promise<Restored>,
    rules?: Pick<RestoreGuestRequest<Restored>, 'gapMs' | 'mayRun' | 'runs'>,
  ): Promise<Restored> {
    const { execution, around } = this.#machine;
    execution.requireIncoming(operation);
    const awaiting = this.#awaiting;
    if (!awaiting) throw new HoldfastError('internal', 'The machine awaits nothing.');
    const runtime = awaiting.source;
    const steps = new Steps('cprLoad', around);
    const request = { awaiting, runtime, steps, restore, ...rules };
    const { restored } = await restoreGuest(this.#machine, request);
    this.#awaiting = undefined;
    return restored;
  }

  cancel(): void {
    this.#machine.execution.requireIncoming('cancel');
    if (!this.#held) {
      throw new HoldfastError('bad-runstate', 'There is no guest to resume: destroy the machine.');
    }
    releaseHeld(this.#machine, this.#held);
    this.#held = undefined;
  }

  /** Releases prepared runtimes when the machine ends. */
  end(): void {
    for (const waiting of [this.#held, this.#awaiting]) if (waiting) discardWaiting(waiting);
    this.#held = undefined;
    this.#awaiting = undefined;
  }
}
