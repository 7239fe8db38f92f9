/** Checkpoints of one machine in storage, and exports that copy it at the same time. */
import { HoldfastError } from '../../errors.ts';
import type { ExportReport } from '../../protocol/state-transfer.ts';
import type { CheckpointInfo, Durability, SetDurableOptions } from '../../protocol/stored.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import type { StoredSource } from '../cpr/restore-guest.ts';
import { exportState } from '../transfer/export-state.ts';
import { Durable } from './durable.ts';

export class MachineDurability {
  readonly #machine: GuestParts;
  /** From the first guest on, where there is storage. */
  #durable: Durable | undefined;
  /**
   * True while an export copies the running guest as checkpoints do. Only one of the two runs at a
   * time.
   */
  #isExporting = false;
  /** Exports that are under way. */
  #exports = 0;

  constructor(machine: GuestParts) {
    this.#machine = machine;
  }

  get status(): Durability | undefined {
    return this.#durable?.status;
  }

  get isExporting(): boolean {
    return this.#exports > 0;
  }

  get hasBegun(): boolean {
    return this.#durable !== undefined;
  }

  /** The machine's configuration. */
  get isOn(): boolean {
    return this.#machine.backing.config.durable === true;
  }

  /** @param origin place in storage from which the guest was restored */
  begin(origin?: StoredSource): void {
    const machine = this.#machine;
    if (!machine.openStore) return;
    this.#durable = new Durable({ machine, origin, changed: () => this.#changed() });
    this.#durable.set(this.isOn, { isNew: true });
  }

  #changed(): void {
    const { execution, view } = this.#machine;
    const { error } = this.status ?? {};
    // Another keeper has resumed this guest, so it must stop here.
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

  /** Requests a checkpoint at a suitable moment. */
  requestCheckpoint(): void {
    this.#durable?.requestCheckpoint();
  }

  /** @throws HoldfastError `storage-unavailable`, or errors of the store */
  checkpoint(options?: { urgent?: boolean }): Promise<CheckpointInfo> {
    if (this.#durable) return this.#durable.checkpoint(options);
    throw new HoldfastError(
      'storage-unavailable',
      'Cannot checkpoint: this browser has no persistent storage, or no guest has started yet.',
    );
  }

  /** Gives `action` exclusive use of the machine's storage and of the data about it. */
  withStorageReleased<T>(action: () => Promise<T>): Promise<T> {
    return this.#durable ? this.#durable.withStorageReleased(action) : action();
  }

  /** Takes no checkpoint from the one in progress on, until the returned function is called. */
  async pause(): Promise<() => void> {
    return (await this.#durable?.pause()) ?? (() => {});
  }

  /** Marks the stored guest as handed over. @throws errors of the store */
  async markMoved(): Promise<void> {
    await this.#durable?.markMoved();
  }

  /** @throws HoldfastError `busy` while another export of a machine without checkpoints is under way */
  async exportState(port: MessagePort): Promise<ExportReport> {
    this.#exports++;
    try {
      return await this.#export(port);
    } finally {
      this.#exports--;
    }
  }

  async #export(port: MessagePort): Promise<ExportReport> {
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

  /** Ends checkpoints. */
  end(): void {
    this.#durable?.end();
  }
}
