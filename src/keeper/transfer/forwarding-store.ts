/**
 * A store that retains nothing: it forwards what a checkpoint writes to the receiver of the guest.
 */
import { HoldfastError } from '../../errors.ts';
import type {
  Generation,
  MachineStore,
  PublishRequest,
  ReadableGenerations,
} from '../../store/types.ts';

interface CheckpointReceiver {
  /** Receives a record of the checkpoint log. Later records supersede its pages and blobs. */
  record(bytes: Uint8Array): Promise<void>;
  manifest(manifest: Uint8Array, records: readonly number[]): Promise<void>;
}

export class ForwardingStore implements MachineStore {
  readonly id = 'export';
  readonly blobsAreLate = false;
  readonly #receiver: CheckpointReceiver;
  #lastRecord = 0;
  /** Sends records one after the other, in the order in which they count. */
  #last: Promise<void> = Promise.resolve();

  constructor(receiver: CheckpointReceiver) {
    this.#receiver = receiver;
  }

  async putRecord(bytes: Uint8Array): Promise<number> {
    const id = ++this.#lastRecord;
    this.#last = this.#last.then(() => this.#receiver.record(bytes));
    await this.#last;
    return id;
  }

  holdRecord(bytes: Uint8Array): Promise<number> {
    return this.putRecord(bytes);
  }

  async publish({ manifest, records }: PublishRequest): Promise<number> {
    await this.#receiver.manifest(manifest, records);
    return 1;
  }

  async generations(): Promise<Generation[]> {
    return [];
  }

  async readableGenerations(): Promise<ReadableGenerations> {
    return { generations: [] };
  }

  readRecords(): AsyncIterable<{ id: number; bytes: Uint8Array }> {
    throw new HoldfastError('internal', 'What was sent on cannot be read back.');
  }

  postponeCopies(): void {}

  async dropNewest(): Promise<void> {}

  async abandon(): Promise<void> {}
}
