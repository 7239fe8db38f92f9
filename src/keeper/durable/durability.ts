/** Whether and how one machine is kept in storage, and who else may copy it meanwhile. */
import { HoldfastError } from '../../errors.ts';
import type { ExportReport } from '../../protocol/state-transfer.ts';
import type { CheckpointInfo, Durability, SetDurableOptions } from '../../protocol/stored.ts';
import type { StoredSource } from '../cpr/bring-back.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import { exportState } from '../transfer/export-state.ts';
import { Durable } from './durable.ts';

export class MachineDurability {
  readonly #machine: GuestParts;
  /** From the first guest on, where there is storage. */
  #durable: Durable | undefined;
  /** By copying it while it runs, as checkpoints do: one of the two at a time. */
  #isExporting = false;

  constructor(machine: GuestParts) {
    this.#machine = machine;
  }

  get status(): Durability | undefined {
    return this.#durable?.status;
  }

  get hasBegun(): boolean {
    return this.#durable !== undefined;
  }

  /** The machine's configuration. */
  get isOn(): boolean {
    return this.#machine.backing.config.durable === true;
  }

  /** @param origin where in storage the guest came from */
  begin(origin?: StoredSource): void {
    const machine = this.#machine;
    if (!machine.openStore) return;
    this.#durable = new Durable({ machine, origin, changed: () => this.#changed() });
    this.#durable.set(this.isOn, { isNew: true });
  }

  #changed(): void {
    const { execution, view } = this.#machine;
    const { error } = this.status ?? {};
    // Somebody else goes on with this guest: here it must not.
    if (error?.code === 'taken-over' && execution.runstate === 'running') {
      view.emit({ type: 'error', ...error });
      execution.pause();
    }
    view.sendStatus();
  }

  /** @throws HoldfastError `busy` while the guest is copied */
  set(on: boolean, { own = false }: Pick<SetDurableOptions, 'own'> = {}): void {
    if (this.#isExporting) {
      throw new HoldfastError('busy', 'This machine is being exported: wait for its end.');
    }
    const { backing, view } = this.#machine;
    const { foreign, ...config } = backing.config;
    backing.config = { ...config, durable: on, ...(foreign && !own && { foreign }) };
    this.#durable?.set(on);
    view.sendStatus();
  }

  /** A good moment for a checkpoint. */
  requestCheckpoint(): void {
    this.#durable?.requestCheckpoint();
  }

  /** @throws HoldfastError `storage-unavailable`, or what the store throws */
  checkpoint(options?: { urgent?: boolean }): Promise<CheckpointInfo> {
    if (this.#durable) return this.#durable.checkpoint(options);
    throw new HoldfastError(
      'storage-unavailable',
      'There is nothing to save, or nowhere: this keeper has no persistent storage or no guest.',
    );
  }

  /** Lets `action` have the machine's storage, and what is known of it, for itself. */
  withStorageReleased<T>(action: () => Promise<T>): Promise<T> {
    return this.#durable ? this.#durable.withStorageReleased(action) : action();
  }

  /** @throws HoldfastError `busy` while another export of a machine without checkpoints is under way */
  async exportState(port: MessagePort): Promise<ExportReport> {
    const machine = this.#machine;
    const durable = this.isOn && this.status?.state !== 'failing';
    const checkpoint = durable ? () => this.checkpoint() : undefined;
    if (checkpoint) return exportState({ machine, port, checkpoint });
    if (this.#isExporting) {
      throw new HoldfastError('busy', 'This machine is being exported already: wait for its end.');
    }
    this.#isExporting = true;
    try {
      return await exportState({ machine, port });
    } finally {
      this.#isExporting = false;
    }
  }

  /** No checkpoint after this. */
  end(): void {
    this.#durable?.end();
  }
}
