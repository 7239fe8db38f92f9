import type { RemoteKeeper } from '../protocol/rpc.ts';
import type {
  ExportedFile,
  ExportRequest,
  StorageUsage,
  StoredMachineInfo,
  StoredStateInfo,
} from '../protocol/stored.ts';
import type { ExportStateOptions } from '../state-file/types.ts';
import { type IterableStream, iterable } from './iterable-stream.ts';
import { exportState } from './state-files.ts';
import type { MachineShelf } from './types.ts';

/** The machines in storage, through the keeper of this page. */
export class RemoteShelf implements MachineShelf {
  readonly #keeper: RemoteKeeper;

  constructor(keeper: RemoteKeeper) {
    this.#keeper = keeper;
  }

  list(): Promise<StoredMachineInfo[]> {
    return this.#keeper.storedMachines();
  }

  usage(): Promise<StorageUsage> {
    return this.#keeper.storageUsage();
  }

  /** Only a page can ask, not its worker. Some browsers ask their user. */
  async persist(): Promise<boolean> {
    // Missing on insecure origins, whatever the types say.
    const storage = navigator.storage as StorageManager | undefined;
    return (await storage?.persist?.()) ?? false;
  }

  rename(id: string, name: string): Promise<void> {
    return this.#keeper.renameMachine(id, name);
  }

  duplicate(id: string, name: string): Promise<string> {
    return this.#keeper.duplicateMachine(id, name);
  }

  remove(id: string): Promise<void> {
    return this.#keeper.removeMachine(id);
  }

  states(): Promise<StoredStateInfo[]> {
    return this.#keeper.storedStates();
  }

  removeState(name: string): Promise<void> {
    return this.#keeper.removeState(name);
  }

  exportState(id: string, options: ExportStateOptions = {}): IterableStream<Uint8Array> {
    return iterable(exportState((port) => this.#keeper.exportStored(id, port), options));
  }

  export(id: string, request: ExportRequest): Promise<ExportedFile> {
    return this.#keeper.exportMachine(id, request);
  }
}
