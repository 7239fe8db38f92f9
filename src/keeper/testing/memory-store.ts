/**
 * A machine's store for tests: in memory, with the same guarantees as the real one, and failing on
 * demand.
 */
import { HoldfastError } from '../../errors.ts';
import type {
  Generation,
  MachineStore,
  PublishRequest,
  ReadableGenerations,
  SalvagedMachine,
} from '../../store/types.ts';

export class MemoryStore implements MachineStore {
  readonly id = 'lab';
  readonly records = new Map<number, Uint8Array>();
  published: Generation[] = [];
  /** Number of further writes that succeed. */
  writesLeft = Number.POSITIVE_INFINITY;
  /** Awaited by each publication. */
  publishGate: Promise<void> | undefined;
  blobsAreLate = false;
  copiesPostponed = false;
  /** Numbers of the generations that were published without a second copy. */
  readonly notCopied: number[] = [];
  details: unknown;
  /** Records that the next publication writes. Not copied: their bytes must not change until then. */
  readonly #held = new Map<number, Uint8Array>();
  #lastRecord = 0;
  #lastGeneration = 0;

  /** Size of everything that was put and not deleted. */
  get storedBytes(): number {
    return [...this.records.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Size of both generations, as in the store's list. */
  get publishedBytes(): number {
    const ids = new Set(this.published.flatMap(({ records }) => records));
    return [...ids].reduce((sum, id) => sum + (this.records.get(id)?.length ?? 0), 0);
  }

  async generations(): Promise<Generation[]> {
    return [...this.published];
  }

  async readableGenerations(): Promise<ReadableGenerations> {
    return { generations: await this.generations() };
  }

  salvage(): SalvagedMachine {
    return {
      generations: this.published.map((generation) => ({ ...generation })),
      readRecord: async (id) => this.records.get(id),
    };
  }

  async putRecord(bytes: Uint8Array): Promise<number> {
    const id = ++this.#lastRecord;
    this.#write();
    this.records.set(id, bytes.slice());
    await Promise.resolve();
    return id;
  }

  async holdRecord(bytes: Uint8Array): Promise<number> {
    const id = ++this.#lastRecord;
    this.#held.set(id, bytes);
    return id;
  }

  async *readRecords(ids: readonly number[]): AsyncIterable<{ id: number; bytes: Uint8Array }> {
    for (const id of ids) {
      const bytes = this.records.get(id);
      if (!bytes) throw new HoldfastError('storage-damaged', `Record ${id} is missing.`);
      yield { id, bytes };
    }
  }

  async publish({ takenAtMs, manifest, records, details }: PublishRequest): Promise<number> {
    await this.publishGate;
    this.#write();
    for (const id of records) {
      const bytes = this.#held.get(id);
      if (bytes) this.records.set(id, bytes.slice());
      this.#held.delete(id);
    }
    const missing = records.find((id) => !this.records.has(id));
    if (missing !== undefined)
      throw new HoldfastError('internal', `Record ${missing} was never put.`);
    const number = ++this.#lastGeneration;
    const generation = { number, takenAtMs, manifest: manifest.slice(), records: [...records] };
    this.published = [generation, ...this.published].slice(0, 2);
    const needed = new Set(this.published.flatMap((kept) => kept.records));
    for (const id of this.records.keys()) if (!needed.has(id)) this.records.delete(id);
    if (details !== undefined) this.details = details;
    if (this.copiesPostponed) this.notCopied.push(number);
    return number;
  }

  postponeCopies(isPostponed: boolean): void {
    this.copiesPostponed = isPostponed;
  }

  async dropNewest(): Promise<void> {
    this.published = this.published.slice(1);
  }

  async abandon(records: readonly number[]): Promise<void> {
    for (const id of records) {
      this.records.delete(id);
      this.#held.delete(id);
    }
  }

  #write(): void {
    if (this.writesLeft-- <= 0)
      throw new HoldfastError('storage-full', 'The lab store was told to refuse this write.');
  }
}
