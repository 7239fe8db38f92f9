/** The machines in storage: their list and its operations. */
import { HoldfastError } from '../../errors.ts';
import { withoutContents } from '../../protocol/images.ts';
import type { KeeperStorage } from '../../protocol/keeper-calls.ts';
import type { Supplies } from '../../protocol/page-supply.ts';
import type { ExportReport } from '../../protocol/state-transfer.ts';
import type {
  ExportedFile,
  ExportRequest,
  StorageUsage,
  StoredMachineInfo,
  StoredStateInfo,
} from '../../protocol/stored.ts';
import type { Store, StoredMachine } from '../../store/types.ts';
import { ofOwnLineage, type StoredDetails } from '../cpr/stored-details.ts';
import type { OpenStore } from '../cpr/targets.ts';
import { exportMachine } from '../export/export-machine.ts';
import { exportStoredState } from '../transfer/send-stored.ts';
import { runningMachines } from './machine-lock.ts';

export interface StoredMachinesOptions {
  /** Absent where there is no persistent storage. */
  openStore?: OpenStore | undefined;
  /** For reading what a newer version has stored. */
  openNewerStore?: OpenStore | undefined;
  /** Reads what a stored machine lacks. */
  supplies?: Supplies | undefined;
  /** Id of the machine that this keeper runs or resumes. */
  presentId(): string | undefined;
  /** Resolves when {@link presentId} is known. */
  settled(): Promise<void>;
}

export class StoredMachines implements KeeperStorage {
  readonly #options: StoredMachinesOptions;
  /** Exports that are under way. */
  #exports = 0;

  constructor(options: StoredMachinesOptions) {
    this.#options = options;
  }

  get isExporting(): boolean {
    return this.#exports > 0;
  }

  async list(): Promise<StoredMachineInfo[]> {
    const { openStore, settled } = this.#options;
    await settled();
    if (!openStore) return [];
    const { store, isNewer } = await this.#toRead();
    const [machines, running] = await Promise.all([store.machines(), runningMachines()]);
    return machines.map((machine) => ({
      ...this.#describe(machine, running),
      ...(isNewer && { newer: true }),
    }));
  }

  #describe(machine: StoredMachine, running: Set<string>): StoredMachineInfo {
    const { details, takenAtMs, id, name, createdAtMs, lastUsedAtMs, sizeBytes } = machine;
    const { config: stored, files } = (details ?? {}) as Partial<StoredDetails>;
    const config = stored && ofOwnLineage(stored, id);
    const elsewhere = running.has(id) ? 'elsewhere' : 'no';
    return {
      id,
      name,
      createdAtMs,
      lastUsedAtMs,
      sizeBytes,
      ...(takenAtMs !== undefined && { takenAtMs }),
      ...(config && { config: withoutContents(config) }),
      ...(files && { needs: files }),
      running: id === this.#options.presentId() ? 'here' : elsewhere,
    };
  }

  async usage(): Promise<StorageUsage> {
    return (await this.#toRead()).store.usage();
  }

  /** @throws HoldfastError `bad-config` for a name that is empty or too long */
  async rename(id: string, name: string): Promise<void> {
    const trimmed = name.trim();
    if (trimmed.length === 0 || trimmed.length > 80)
      throw new HoldfastError('bad-config', 'The name of a machine has 1 to 80 characters.');
    await (await this.#store()).rename(id, trimmed);
  }

  async duplicate(id: string, name: string): Promise<string> {
    return (await this.#store()).duplicate(id, name);
  }

  /** @throws HoldfastError `busy` for a machine that runs */
  async remove(id: string): Promise<void> {
    const running = await runningMachines();
    if (id === this.#options.presentId() || running.has(id)) {
      throw new HoldfastError(
        'busy',
        'This machine runs: end it before you delete what is stored of it.',
      );
    }
    await (await this.#store()).remove(id);
  }

  async states(): Promise<StoredStateInfo[]> {
    return (await this.#toRead()).store.entries.list();
  }

  async removeState(name: string): Promise<void> {
    await (await this.#store()).entries.delete(name);
  }

  async export(id: string, request: ExportRequest): Promise<ExportedFile> {
    return this.#counted(async () => exportMachine((await this.#toRead()).store, id, request));
  }

  async exportState(id: string, port: MessagePort): Promise<ExportReport> {
    return this.#counted(async () =>
      exportStoredState((await this.#toRead()).store, id, port, this.#options.supplies),
    );
  }

  async #counted<T>(exporting: () => Promise<T>): Promise<T> {
    this.#exports++;
    try {
      return await exporting();
    } finally {
      this.#exports--;
    }
  }

  /**
   * Returns the store. If a newer version has written it, returns that version's store for reading
   * only.
   */
  async #toRead(): Promise<{ store: Store; isNewer: boolean }> {
    try {
      return { store: await this.#store(), isNewer: false };
    } catch (thrown) {
      const isNewer = thrown instanceof HoldfastError && thrown.code === 'storage-newer';
      const { openNewerStore } = this.#options;
      if (!isNewer || !openNewerStore) throw thrown;
      return { store: await openNewerStore(), isNewer: true };
    }
  }

  #store() {
    const { openStore } = this.#options;
    if (openStore) return openStore();
    throw new HoldfastError('storage-unavailable', 'This keeper has no persistent storage.');
  }
}
