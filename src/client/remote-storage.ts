import { publicStorageCalls, type StorageCalls } from '../protocol/keeper-calls.ts';
import { passingOn } from '../protocol/passing-on.ts';
import type { RemoteKeeper } from '../protocol/rpc.ts';
import type { ExportStateOptions } from '../state-file/types.ts';
import { type IterableStream, iterable } from './iterable-stream.ts';
import { requestPersistence } from './persistence.ts';
import { exportState } from './state-files.ts';
import type { MachineStorage } from './types.ts';

/** The machines in storage, through the keeper of this page. */
export class RemoteStorage
  extends passingOn<StorageCalls>(publicStorageCalls)
  implements MachineStorage
{
  readonly #keeper: RemoteKeeper;

  constructor(keeper: RemoteKeeper) {
    super();
    this.#keeper = keeper;
  }

  override answering(): StorageCalls {
    return this.#keeper.storage;
  }

  persist(): Promise<boolean> {
    return requestPersistence();
  }

  exportState(id: string, options: ExportStateOptions = {}): IterableStream<Uint8Array> {
    return iterable(exportState((port) => this.#keeper.storage.exportState(id, port), options));
  }
}
