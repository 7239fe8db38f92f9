/** One machine, opened for writing. */
import { HoldfastError } from '../errors.ts';
import type { WriteName } from './crash-windows.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import { notFound, readGenerations, readReadable } from './generation-reader.ts';
import { isWhole, seal, sizeOf } from './generation-row.ts';
import { LateBlobs } from './late-blobs.ts';
import { idsOf } from './record-ids.ts';
import { readRecords, type StoredRecord } from './record-reader.ts';
import { rowOf } from './record-row.ts';
import { cloneable, type NewRecord, RecordWriter } from './record-writer.ts';
import type { WholeGeneration } from './replicate.ts';
import { withoutKept } from './retention.ts';
import type { GenerationRow, MachineRow, StoredRow, Stores, Transaction } from './schema.ts';
import { deleteRecords, sweep } from './sweep.ts';
import { generationTransferred, rowsTransferred } from './transferred.ts';
import type { Generation, MachineStore, PublishRequest, ReadableGenerations } from './types.ts';

/** Receives all writes about machines, to copy them elsewhere. It never fails. */
export interface MachineWitness {
  /** Called after records were written that are in no generation yet. */
  records(records: readonly NewRecord[]): Promise<void>;
  /**
   * Called after a generation was published.
   *
   * @param held records that were written with it; valid until the promise resolves
   */
  generation(whole: WholeGeneration, held: readonly NewRecord[]): Promise<void>;
  /** Called in place of {@link generation} while copies are postponed. */
  skipped(): void;
}

export class OpenMachine implements MachineStore {
  readonly id: string;
  readonly #connection: DatabaseConnection;
  readonly #digest: Digest;
  readonly #opener: number;
  readonly #writer: RecordWriter;
  readonly #witness: MachineWitness | undefined;
  /** Valid until it is requested, or until a write. */
  #first: Promise<ReadableGenerations> | undefined;
  #nextId: number;
  /** Sizes of put records that are in no generation, by id. */
  readonly #unpublished = new Map<number, number>();
  /** Records that wait for the transaction of their generation, by id. */
  readonly #held = new Map<number, StoredRow>();
  #copiesPostponed = false;
  readonly #lateBlobs = new LateBlobs();

  /**
   * @param opener from `openMachine`
   * @param first the first result of {@link readableGenerations}, read by a transaction after the
   * machine was opened
   */
  constructor(
    connection: DatabaseConnection,
    digest: Digest,
    id: string,
    opener: number,
    first?: Promise<ReadableGenerations>,
    witness?: MachineWitness,
  ) {
    this.id = id;
    this.#witness = witness;
    this.#first = first;
    this.#connection = connection;
    this.#digest = digest;
    this.#opener = opener;
    this.#nextId = idsOf(opener).first;
    this.#writer = new RecordWriter(digest, (records) => this.#writeRecords(records));
  }

  generations(): Promise<Generation[]> {
    return readGenerations(this.#connection, this.#digest, this.id);
  }

  readableGenerations(): Promise<ReadableGenerations> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? readReadable(this.#connection, this.#digest, this.id);
  }

  readRecords(ids: readonly number[]): AsyncIterable<StoredRecord> {
    return readRecords(this.#connection, this.#digest, ids);
  }

  async putRecord(bytes: Uint8Array): Promise<number> {
    const id = this.#nextId++;
    const { byteLength } = bytes;
    await this.#writer.put(id, bytes);
    this.#unpublished.set(id, byteLength);
    return id;
  }

  async holdRecord(bytes: Uint8Array): Promise<number> {
    const id = this.#nextId++;
    this.#held.set(id, rowOf(id, cloneable(bytes), this.#digest));
    this.#unpublished.set(id, bytes.byteLength);
    return id;
  }

  get blobsAreLate(): boolean {
    return this.#lateBlobs.areLate;
  }

  postponeCopies(isPostponed: boolean): void {
    this.#copiesPostponed = isPostponed;
  }

  async #writeRecords(records: readonly NewRecord[]): Promise<void> {
    const beganMs = performance.now();
    await this.#write('put-records', ['records'], 'relaxed', async (transaction) => {
      const store = transaction.objectStore('records');
      await Promise.all(records.map(({ id, row }) => store.put(row, id)));
    });
    await rowsTransferred(records);
    const hasBlobs = records.some(({ row }) => row.bytes instanceof Blob);
    if (hasBlobs) this.#lateBlobs.wrote(performance.now() - beganMs);
    // One after the other: the threads that write both at once would take the guest's processor.
    if (!this.#copiesPostponed) await this.#witness?.records(records);
  }

  async publish(request: PublishRequest): Promise<number> {
    const manifest = cloneable(request.manifest);
    const manifestDigest = this.#digest(manifest);
    const held = request.records.flatMap((id) => {
      const row = this.#held.get(id);
      return row ? [{ id, row }] : [];
    });
    const whole = await this.#write(
      'publish',
      ['records', 'generations', 'manifests'],
      'strict',
      async (transaction, machine) => {
        const generations = transaction.objectStore('generations');
        const relatives = await generations.index('family').getAll(machine.family);
        const own = relatives.filter((row) => row.machine === this.id);
        const dropped = own.filter((row) => row.number !== machine.generation);
        const number = machine.lastGeneration + 1;
        const row = seal(
          {
            machine: this.id,
            number,
            family: machine.family,
            takenAtMs: request.takenAtMs,
            ...this.#listed(request.records, own),
            manifestBytes: manifest.byteLength,
            manifestDigest,
          },
          this.#digest,
        );
        const kept = [...relatives.filter((relative) => !dropped.includes(relative)), row];
        await this.#dropRows(transaction, dropped, kept);
        const published: MachineRow = {
          ...machine,
          lastGeneration: number,
          generation: number,
          takenAtMs: request.takenAtMs,
          lastUsedAtMs: Date.now(),
          sizeBytes: sizeOf(kept.filter((relative) => relative.machine === this.id)),
          details: 'details' in request ? request.details : machine.details,
        };
        const records = transaction.objectStore('records');
        await Promise.all([
          ...held.map((record) => records.put(record.row, record.id)),
          generations.put(row),
          transaction.objectStore('machines').put(published),
          transaction.objectStore('manifests').put(manifest, [this.id, number]),
        ]);
        return { machine: published, row, manifest };
      },
    );
    for (const id of request.records) {
      this.#unpublished.delete(id);
      this.#held.delete(id);
    }
    await generationTransferred(this.#connection, whole, held);
    if (this.#copiesPostponed) this.#witness?.skipped();
    else await this.#witness?.generation(whole, held);
    return whole.row.number;
  }

  async dropNewest(): Promise<void> {
    // Chosen by the first run: a second run after a commit must not drop another generation.
    let newest: number | undefined;
    await this.#write(
      'drop-newest',
      ['records', 'generations', 'manifests'],
      'strict',
      async (transaction, machine) => {
        newest ??= machine.generation;
        if (newest === undefined || newest !== machine.generation) return;
        const relatives = await transaction
          .objectStore('generations')
          .index('family')
          .getAll(machine.family);
        const isDropped = (row: GenerationRow) => row.machine === this.id && row.number === newest;
        const kept = relatives.filter((row) => !isDropped(row));
        await this.#dropRows(transaction, relatives.filter(isDropped), kept);
        const own = kept.filter((row) => row.machine === this.id);
        const { generation, takenAtMs, ...rest } = machine;
        const before = own.at(-1);
        await transaction.objectStore('machines').put({
          ...rest,
          ...(before && { generation: before.number, takenAtMs: before.takenAtMs }),
          sizeBytes: sizeOf(own),
        });
        // The list of records in a damaged row is unreliable.
        await sweep(transaction);
      },
    );
  }

  async abandon(records: readonly number[]): Promise<void> {
    const unpublished = withoutKept(
      records.filter((id) => this.#unpublished.has(id)),
      [],
    );
    // A failed commit may have reached the disk: held records are deleted there as well.
    for (const id of unpublished) this.#held.delete(id);
    await this.#write('abandon', ['records'], 'relaxed', (transaction) =>
      deleteRecords(transaction, unpublished),
    );
    for (const id of unpublished) this.#unpublished.delete(id);
  }

  /**
   * Writes in a transaction of `machines` and `stores`, which fails if another opener has taken
   * over.
   */
  #write<T>(
    name: WriteName,
    stores: Stores[],
    durability: 'strict' | 'relaxed',
    body: (transaction: Transaction<'readwrite'>, machine: MachineRow) => Promise<T>,
  ): Promise<T> {
    this.#first = undefined;
    return this.#connection.write(
      { name, stores: ['machines', ...stores], durability, doing: 'store the machine' },
      async (transaction) => {
        const machine = await transaction.objectStore('machines').get(this.id);
        if (!machine) throw notFound(this.id);
        if (machine.opener !== this.#opener) {
          throw new HoldfastError(
            'taken-over',
            `“${machine.name}” was opened in another tab or window, which stores it now.`,
          );
        }
        return body(transaction, machine);
      },
    );
  }

  /** @throws HoldfastError `internal` for a record that this opener neither put nor found */
  #listed(
    ids: readonly number[],
    own: readonly GenerationRow[],
  ): Pick<GenerationRow, 'records' | 'sizes'> {
    const known = new Map(this.#unpublished);
    for (const { records, sizes } of own) {
      records.forEach((id, index) => {
        known.set(id, sizes[index] ?? 0);
      });
    }
    const sizes = ids.map((id) => {
      const size = known.get(id);
      if (size === undefined) {
        throw new HoldfastError('internal', `Record ${id} was published, but it is not stored.`);
      }
      return size;
    });
    return { records: Float64Array.from(ids), sizes: Uint32Array.from(sizes) };
  }

  async #dropRows(
    transaction: Transaction<'readwrite'>,
    dropped: readonly GenerationRow[],
    kept: readonly GenerationRow[],
  ): Promise<void> {
    const lists = dropped
      .filter((row) => isWhole(row, this.#digest))
      .map((row) => [...row.records]);
    const unneeded = withoutKept(
      lists.flat(),
      kept.map(({ records }) => records),
    );
    await Promise.all([
      deleteRecords(transaction, unneeded),
      ...dropped.flatMap(({ machine, number }) => [
        transaction.objectStore('generations').delete([machine, number]),
        transaction.objectStore('manifests').delete([machine, number]),
      ]),
    ]);
  }
}
