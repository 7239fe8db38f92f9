/** Limits the storage of a foreign machine to its share. */
import { HoldfastError } from '../../errors.ts';
import { foreignFreeBytes } from '../../protocol/foreign-storage.ts';
import type { MachineStore, PublishRequest, Store } from '../../store/types.ts';
import type { GuestParts } from './guest-parts.ts';
import { detailsOf, type StoredDetails } from './stored-details.ts';
import { storeOf } from './targets.ts';

/** Other writers may use the storage as well: after this many bytes, the usage is read again. */
const trustedBytes = 64 * 2 ** 20;

/**
 * Opens the machine's own storage for writing.
 * @param resumed the storage, if it is open already
 * @throws HoldfastError `storage-unavailable`, `storage-occupied`, or errors of the store
 */
export async function openBounded(
  machine: GuestParts,
  resumed?: MachineStore | Promise<MachineStore>,
): Promise<BoundedStore> {
  const { backing, execution } = machine;
  const store = await storeOf(machine.openStore);
  const opened =
    (await resumed) ??
    (await store.open(machine.id, {
      name: backing.config.name,
      details: detailsOf(backing.config, execution.source),
      replace: machine.ownsStored,
    }));
  machine.ownsStored = true;
  // The user may make the machine their own at any time.
  return new BoundedStore(opened, store, () => machine.backing.config.foreign === true);
}

export class BoundedStore implements MachineStore {
  readonly id: string;
  readonly #machine: MachineStore;
  readonly #store: Store;
  readonly #isForeign: () => boolean;
  /**
   * Free bytes for this machine at the last read of the usage, and the part that is not used yet.
   */
  #freeBytes = 0;
  #leftBytes = 0;
  #looking: Promise<void> | undefined;
  /** Bytes that were put and neither published nor abandoned. */
  #unpublishedBytes = 0;
  /** Size that a refused checkpoint exceeds: none is begun until this much is free. */
  #neededBytes = 0;

  /** @param isForeign called at every write */
  constructor(machine: MachineStore, store: Store, isForeign: () => boolean) {
    this.id = machine.id;
    this.#machine = machine;
    this.#store = store;
    this.#isForeign = isForeign;
  }

  /** Allows the next checkpoint, also if the last one was too large. */
  tryAgain(): void {
    this.#neededBytes = 0;
  }

  generations() {
    return this.#machine.generations();
  }

  readableGenerations() {
    return this.#machine.readableGenerations();
  }

  readRecords(ids: readonly number[]) {
    return this.#machine.readRecords(ids);
  }

  dropNewest() {
    return this.#machine.dropNewest();
  }

  get blobsAreLate(): boolean {
    return this.#machine.blobsAreLate;
  }

  postponeCopies(isPostponed: boolean): void {
    this.#machine.postponeCopies(isPostponed);
  }

  /** @throws HoldfastError `storage-reserved` */
  putRecord(bytes: Uint8Array): Promise<number> {
    return this.#withinShare(bytes, () => this.#machine.putRecord(bytes));
  }

  /** @throws HoldfastError `storage-reserved` */
  holdRecord(bytes: Uint8Array): Promise<number> {
    return this.#withinShare(bytes, () => this.#machine.holdRecord(bytes));
  }

  #withinShare(bytes: Uint8Array, put: () => Promise<number>): Promise<number> {
    if (!this.#isForeign()) return put();
    const { length } = bytes;
    // No await where none is needed: records that are put at once share a transaction.
    if (length > this.#leftBytes || this.#neededBytes > 0) {
      return this.#look().then(() => {
        this.#require(length);
        return this.#put(length, put);
      });
    }
    return this.#put(length, put);
  }

  #put(length: number, put: () => Promise<number>): Promise<number> {
    this.#leftBytes -= length;
    this.#unpublishedBytes += length;
    return put().catch((thrown) => this.#giveWay(thrown));
  }

  /** The storage had less room than the browser reported. The user's own machines need the rest. */
  #giveWay(thrown: unknown): never {
    const isFull = thrown instanceof HoldfastError && thrown.code === 'storage-full';
    if (isFull && this.#isForeign()) this.#neededBytes = Number.POSITIVE_INFINITY;
    throw thrown;
  }

  async publish(request: PublishRequest): Promise<number> {
    const number = await this.#machine.publish(request).catch((thrown) => this.#giveWay(thrown));
    this.#unpublishedBytes = 0;
    this.#neededBytes = 0;
    return number;
  }

  async abandon(records: readonly number[]): Promise<void> {
    // The free size is unknown until the next read.
    this.#unpublishedBytes = 0;
    this.#leftBytes = 0;
    await this.#machine.abandon(records);
  }

  /** Checks the room after a read of the usage. @throws HoldfastError `storage-reserved` */
  #require(bytes: number): void {
    const needed = Math.max(this.#neededBytes, this.#unpublishedBytes + bytes);
    this.#neededBytes = 0;
    if (bytes <= this.#leftBytes && needed - this.#unpublishedBytes <= this.#freeBytes) return;
    this.#neededBytes = needed;
    throw new HoldfastError(
      'storage-reserved',
      'This machine came from a link or file. It has used what such machines may take of the storage of this site. The rest is for machines of your own.',
    );
  }

  /** Reads the usage once for all records that are put at once. */
  #look(): Promise<void> {
    this.#looking ??= this.#countFree().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #countFree(): Promise<void> {
    const [machines, usage] = await Promise.all([this.#store.machines(), this.#store.usage()]);
    let own = this.#unpublishedBytes;
    let together = this.#unpublishedBytes;
    for (const { id, sizeBytes, details } of machines) {
      const isThis = id === this.id;
      if (isThis) own += sizeBytes;
      const { config } = (details ?? {}) as Partial<StoredDetails>;
      if (isThis || config?.foreign) together += sizeBytes;
    }
    this.#freeBytes = foreignFreeBytes(usage, together, own);
    this.#leftBytes = Math.min(this.#freeBytes, trustedBytes);
  }
}
