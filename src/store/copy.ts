/**
 * The second copy, see docs/spec/storage.md [F4]: the newest whole generation of each machine in a place of
 * its own. It never fails its owner: a copy that cannot be written is given up, and another one begun.
 */
import { HoldfastError } from '../errors.ts';
import { copyEntries, removeEntry } from './copy-entries.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import { under } from './key-ranges.ts';
import type { MachineWitness } from './machine-store.ts';
import { sizeOfRow } from './record-row.ts';
import type { NewRecord } from './record-writer.ts';
import { copyMachine, putRecords, replicate, rowsOf, type WholeGeneration } from './replicate.ts';
import { withoutKept } from './retention.ts';
import { deleteRecords } from './sweep.ts';

/** Delay after a failure. */
const againMs = 10_000;
/**
 * Longest time that checkpoints wait for the preparation of the copy's place, once in a life of the
 * browser. On a busy computer it takes many seconds, in which a kill would lose what the guest did.
 */
const patienceMs = 2000;
/**
 * Size of records that are written with their generation, in one transaction. More is written
 * separately, before it.
 */
const heldBytes = 512 * 1024;

interface CopyOptions {
  first: DatabaseConnection;
  digest: Digest;
  /** @param make true to create a place if there is none; otherwise undefined is returned */
  connect(make: boolean): Promise<DatabaseConnection | undefined>;
  /** Called when the copy cannot be written: the next one must be another place. */
  giveUp(): void;
  /** Called when the copy has everything that the first place has: older ones may be deleted. */
  completed(): Promise<void>;
  /** Deletes all copies. */
  discard(): Promise<void>;
}

export class Copy implements MachineWitness {
  readonly #options: CopyOptions;
  #connection: Promise<DatabaseConnection | undefined> | undefined;
  /** Records in the copy that are in none of its generations. */
  readonly #put = new Set<number>();
  /** Records that wait for their generation. */
  #held: NewRecord[] = [];
  #isComplete = false;
  /** True if the place can be written to at once. */
  #isPrepared = false;
  /** The preparation, or the end of the patience with it. */
  #preparing: Promise<void> | undefined;
  /** True if the first place has generations that this one was not given. */
  #isBehind = false;
  /** The last run of {@link #complete}. */
  #completing: Promise<void> | undefined;
  /** Machines that were deleted, and not stored again. */
  readonly #removed = new Set<string>();
  /** Grows when a place is given up, so that work on it ends without an effect on the next. */
  #place = 0;
  #notBeforeMs = 0;

  constructor(options: CopyOptions) {
    this.#options = options;
  }

  /** Returns the copy for reading data that the first place lacks. */
  async spare(): Promise<DatabaseConnection | undefined> {
    return this.#connect(false).catch(() => undefined);
  }

  /** Writes records that will be part of a generation. Never rejects. */
  async records(records: readonly NewRecord[]): Promise<void> {
    // Until the copy is complete, records are read from the first place later.
    if (!this.#isComplete || !(await this.#prepared())) return;
    const held = [...this.#held, ...records];
    if (sizeOfRows(held) <= heldBytes) {
      this.#held.push(...records.map(withOwnBytes));
      return;
    }
    this.#held = [];
    await this.#try(async (connection) => {
      await putRecords(connection, held);
      for (const { id } of held) this.#put.add(id);
    });
  }

  /** Records that a generation of the first place is not given to the copy. */
  skipped(): void {
    this.#isBehind = true;
  }

  /**
   * Copies a generation of the first place. Resolves when the copy has it, or cannot take it now: then
   * it has the newest generation as soon as it is prepared.
   */
  async generation(whole: WholeGeneration, withIt: readonly NewRecord[]): Promise<void> {
    // The id may be one that was deleted: the page's own machine has the same id each time.
    this.#removed.delete(whole.machine.id);
    if (!(await this.#prepared())) {
      this.#isBehind = true;
      return;
    }
    const wanted = new Set(whole.row.records);
    const held = [...this.#held.filter(({ id }) => wanted.has(id)), ...withIt];
    // Records of another machine, or abandoned ones. Missing ones are read from the first place.
    this.#held = this.#held.filter(({ id }) => !wanted.has(id));
    await this.#try(async (connection) => {
      const { first, digest } = this.#options;
      const read = (ids: readonly number[]) => rowsOf(first, digest, ids);
      await replicate(connection, { ...whole, held }, this.#put, read);
      for (const id of whole.row.records) this.#put.delete(id);
    });
    if (!this.#isComplete) void this.#complete();
  }

  /** @returns false if the place is still being prepared, or cannot be written to */
  async #prepared(): Promise<boolean> {
    if (this.#isPrepared) return true;
    this.#preparing ??= atMost(patienceMs, this.#prepare());
    await this.#preparing;
    return this.#isPrepared;
  }

  async #prepare(): Promise<void> {
    const place = this.#place;
    await this.#try(async (connection) => {
      await connection.prepareToWrite();
      if (place === this.#place) this.#isPrepared = true;
    });
    if (place !== this.#place) return;
    if (!this.#isPrepared) this.#preparing = undefined;
    else if (this.#isBehind) await this.#complete();
  }

  /**
   * Copies all other machines and saved states from the first place. Runs come one after the other: each
   * one sees everything that was stored before its call.
   */
  #complete(): Promise<void> {
    const before = this.#completing;
    const run = (async () => {
      await before;
      await this.#copyAll();
    })();
    this.#completing = run;
    return run;
  }

  async #copyAll(): Promise<void> {
    await this.#try(async (connection) => {
      this.#isComplete = true;
      this.#isBehind = false;
      const { first, digest } = this.#options;
      const [wanted, found] = await Promise.all([machinesOf(first), machinesOf(connection)]);
      for (const { id, name, generation, takenAtMs = 0 } of wanted) {
        const there = found.find((row) => row.id === id);
        const isSame = there?.generation === generation && there?.name === name;
        // A newer state in the copy goes to the first place when that is opened.
        const isNewer = (there?.takenAtMs ?? 0) > takenAtMs;
        if (generation === undefined || isSame || isNewer || this.#removed.has(id)) continue;
        await copyMachine(first, connection, digest, id).catch(unlessGone);
        // It was deleted while it was copied.
        if (this.#removed.has(id)) await removeFrom(connection, id);
      }
      // States that the first place lacks stay in the copy: they may be the only ones left.
      await copyEntries(first, connection);
      void this.#options.completed().catch((thrown) => {
        console.info('What is stored no more cannot be deleted:', thrown);
      });
    });
  }

  /**
   * Completes the copy before the log of the first place is renewed, since a kill may leave that
   * log rejected. Never rejects.
   */
  async secure(): Promise<void> {
    if (!this.#isComplete || this.#isBehind) await this.#complete();
    else await this.#completing;
  }

  /** Copies writes to the first place other than checkpoints. Never rejects. */
  async again(): Promise<void> {
    if (this.#isComplete) await this.#complete();
  }

  /**
   * Removes a machine from the copy and then, by `removeFromFirst`, from the first place. In the
   * other order the copy would restore it. A copy that refuses the deletion is deleted as a whole.
   */
  remove(id: string, removeFromFirst: () => Promise<void>): Promise<void> {
    this.#removed.add(id);
    return this.#remove((connection) => removeFrom(connection, id), removeFromFirst);
  }

  /** Like {@link remove}, for a saved state. */
  removeEntry(name: string, removeFromFirst: () => Promise<void>): Promise<void> {
    return this.#remove((connection) => removeEntry(connection, name), removeFromFirst);
  }

  async #remove(
    removeHere: (connection: DatabaseConnection) => Promise<void>,
    removeFromFirst: () => Promise<void>,
  ): Promise<void> {
    let isGone = true;
    try {
      const connection = await this.#connect(false);
      if (connection) await removeHere(connection);
    } catch (thrown) {
      console.info('The second copy of what is stored:', thrown);
      isGone = false;
    }
    // If this fails too, the copy may be all that is left.
    await removeFromFirst();
    if (isGone) return;
    this.#reset();
    await this.#options.discard();
  }

  #reset(): void {
    this.close();
    this.#connection = undefined;
    this.#isComplete = false;
    this.#isBehind = false;
    this.#isPrepared = false;
    this.#preparing = undefined;
    this.#place++;
    this.#put.clear();
    this.#held = [];
  }

  close(): void {
    this.#connection?.then(
      (connection) => connection?.close(),
      () => undefined,
    );
  }

  #connect(make: boolean): Promise<DatabaseConnection | undefined> {
    const connecting = this.#connection ?? this.#options.connect(make);
    this.#connection = connecting;
    connecting.then(
      (connection) => {
        if (!connection && this.#connection === connecting) this.#connection = undefined;
      },
      () => {
        if (this.#connection === connecting) this.#connection = undefined;
      },
    );
    return connecting;
  }

  async #try(work: (connection: DatabaseConnection) => Promise<void>): Promise<void> {
    if (Date.now() < this.#notBeforeMs) return;
    const place = this.#place;
    try {
      const connection = await this.#connect(true);
      if (connection) await work(connection);
    } catch (thrown) {
      console.info('The second copy of what is stored:', thrown);
      if (place !== this.#place) return;
      this.#reset();
      this.#notBeforeMs = Date.now() + againMs;
      // A full disk tears nothing, and another copy would only take more space.
      const isFull = thrown instanceof HoldfastError && thrown.code === 'storage-full';
      if (!isFull) this.#options.giveUp();
    }
  }
}

/** Copies the bytes: the caller may reuse the memory of a record as soon as it is committed. */
const withOwnBytes = ({ id, row }: NewRecord): NewRecord => ({
  id,
  row: row.bytes instanceof Blob ? row : { ...row, bytes: row.bytes.slice() },
});

const atMost = (limitMs: number, work: Promise<void>): Promise<void> => {
  let timer: ReturnType<typeof setTimeout>;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
};

const sizeOfRows = (records: readonly NewRecord[]) =>
  records.reduce((sum, { row }) => sum + sizeOfRow(row), 0);

export const machinesOf = (connection: DatabaseConnection) =>
  connection.read(['machines'], 'list the machines', (transaction) =>
    transaction.objectStore('machines').getAll(),
  );

/** Ignores errors about a machine that was deleted or damaged in between. */
export function unlessGone(thrown: unknown): void {
  const isGone =
    thrown instanceof HoldfastError && ['not-found', 'storage-damaged'].includes(thrown.code);
  if (!isGone) throw thrown;
}

function removeFrom(connection: DatabaseConnection, id: string): Promise<void> {
  return connection.write(
    {
      name: 'copy-remove',
      stores: ['machines', 'generations', 'manifests', 'records'],
      durability: 'strict',
      doing: 'delete the machine',
    },
    async (transaction) => {
      const machine = await transaction.objectStore('machines').get(id);
      if (!machine) return;
      const relatives = await transaction
        .objectStore('generations')
        .index('family')
        .getAll(machine.family);
      const lists = (isOwn: boolean) =>
        relatives.filter((row) => (row.machine === id) === isOwn).map(({ records }) => records);
      const unneeded = withoutKept(
        lists(true).flatMap((records) => [...records]),
        lists(false),
      );
      await Promise.all([
        deleteRecords(transaction, unneeded),
        transaction.objectStore('machines').delete(id),
        transaction.objectStore('generations').delete(under(id)),
        transaction.objectStore('manifests').delete(under(id)),
      ]);
    },
  );
}
