import { CprError } from '../../errors.ts';
import type { CprSource, CprTarget } from '../../protocol/cpr.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
} from '../../protocol/keeper-api.ts';
import type { CutItem } from '../../protocol/state-transfer.ts';
import type { HostedInstance } from '../runtimes/hand-over.ts';
import { discardReady, type ReadyRuntime } from '../runtimes/next-runtime.ts';
import type { CprMachine } from './cpr-machine.ts';
import { type HeldGuest, letGo, loadHeld, saveAndHold } from './held-guest.ts';
import { Steps } from './steps.ts';
import {
  type AwaitingGuest,
  bringBack,
  loadStored,
  type Origin,
  type Restoring,
  saveToStorage,
} from './stored-guest.ts';

/** cprSave and cprLoad of one machine, and what is ready for the next cprLoad in between. */
export class MachineCpr {
  readonly #machine: CprMachine;
  /** After cprSave in mode `restart`. */
  #held: HeldGuest | undefined;
  /** Started `incoming`: until a guest is loaded. */
  #awaiting: AwaitingGuest | undefined;

  constructor(machine: CprMachine) {
    this.#machine = machine;
  }

  /** The machine has no guest, and a runtime that can take one. */
  await(ready: ReadyRuntime): void {
    const { execution } = this.#machine;
    this.#awaiting = { source: execution.source, ready };
    execution.await();
  }

  async save(target: CprTarget, { mode, runtime }: CprSaveOptions): Promise<CprSaveReport> {
    const { execution } = this.#machine;
    execution.requireLive('save');
    if (mode === 'reboot') return saveToStorage(this.#machine, target);
    if (mode !== 'restart') throw new CprError('bad-config', `There is no mode "${mode}".`);
    const { report, held } = await saveAndHold(this.#machine, target, runtime ?? execution.source);
    this.#held = held;
    return report;
  }

  /**
   * Resolves also with the runtime that had the guest, which is still to be destroyed, or with where
   * in storage it came from.
   */
  async load(
    source: CprSource,
    options: CprLoadOptions,
  ): Promise<{ report: CprLoadReport; from?: HostedInstance; origin?: Origin }> {
    const { execution } = this.#machine;
    execution.requireIncoming('load');
    if (this.#held) {
      const from = execution.hosted;
      const report = await loadHeld(this.#machine, this.#held, source, options);
      this.#held = undefined;
      return { report, from };
    }
    if (!this.#awaiting) throw new CprError('internal', 'The machine awaits nothing.');
    const loaded = await loadStored(this.#machine, this.#awaiting, source, options);
    this.#awaiting = undefined;
    return loaded;
  }

  /** Brings back the newest state in `store` that is whole, whatever vmstate names it. */
  async resumeStored({ store, restoring }: Restoring): Promise<Origin> {
    const { execution, around } = this.#machine;
    execution.requireIncoming('resume');
    const awaiting = this.#awaiting;
    if (!awaiting) throw new CprError('internal', 'The machine awaits nothing.');
    const steps = new Steps('cprLoad', around);
    const runtime = awaiting.source;
    const { cut } = await bringBack(this.#machine, {
      awaiting,
      runtime,
      steps,
      restore: () => restoring,
    });
    this.#awaiting = undefined;
    return { store, cut };
  }

  /** Brings a guest to life that arrives in the machine's memory. */
  async openState(arriving: Promise<CutItem>): Promise<CutItem> {
    const { execution, around } = this.#machine;
    execution.requireIncoming('open a state');
    const awaiting = this.#awaiting;
    if (!awaiting) throw new CprError('internal', 'The machine awaits nothing.');
    const { cut } = await bringBack(this.#machine, {
      awaiting,
      runtime: awaiting.source,
      steps: new Steps('cprLoad', around),
      restore: () => arriving,
    });
    this.#awaiting = undefined;
    return cut;
  }

  cancel(): void {
    this.#machine.execution.requireIncoming('cancel');
    if (!this.#held) {
      throw new CprError('bad-runstate', 'There is no guest to go on with: destroy the machine.');
    }
    letGo(this.#machine, this.#held);
    this.#held = undefined;
  }

  /** The machine ends: gives back what was ready. */
  end(): void {
    for (const ready of [this.#held?.ready, this.#awaiting?.ready]) {
      if (ready) discardReady(ready);
    }
    this.#held = undefined;
    this.#awaiting = undefined;
  }
}
