/** Machines, their generations and named vmstates in one IndexedDB database. */
import { randomId } from '../protocol/random-id.ts';
import type { Copy } from './copy.ts';
import type { WindowHook } from './crash-windows.ts';
import { type ConnectionLoss, DatabaseConnection } from './database-connection.ts';
import { type Digest, loadDigest } from './digest.ts';
import { Entries } from './entry-store.ts';
import { notFound, readGenerations, readMachine, readReadable } from './generation-reader.ts';
import { isWhole, seal } from './generation-row.ts';
import { under } from './key-ranges.ts';
import { LostMachines } from './lost-machines.ts';
import { type MachineWitness, OpenMachine } from './machine-store.ts';
import type { Marks } from './mark.ts';
import { openStoredMachine } from './open-stored-machine.ts';
import { readRecords } from './record-reader.ts';
import { salvageMachine } from './salvage.ts';
import type { MachineRow } from './schema.ts';
import { sweep } from './sweep.ts';
import type {
  EntryStore,
  MachineStore,
  NewMachine,
  SalvagedMachine,
  Store,
  StoredMachine,
  StoredReading,
} from './types.ts';
import { storageUsage } from './usage.ts';

export interface StoreOptions {
  /** Default `holdfast`. */
  databaseName?: string;
  /** After this time a database that does not open is `storage-blocked`. Default 10 s. */
  openTimeoutMs?: number;
  /** Called when the connection was closed from outside; see {@link ConnectionLoss}. */
  onLost?: (loss: ConnectionLoss) => void;
  /** For tests: called at every crash window. */
  onWindow?: WindowHook;
}

/** Parts of a store beside its database. */
interface StoreExtras {
  copy?: Copy;
  marks?: Marks;
}

/** @throws HoldfastError `storage-unavailable`, `storage-blocked`, `storage-newer`, `storage-full` or `storage-damaged` */
export async function openStore(
  {
    databaseName = 'holdfast',
    openTimeoutMs = 10_000,
    onLost = () => undefined,
    onWindow = () => undefined,
  }: StoreOptions = {},
  extras?: StoreExtras,
): Promise<Store> {
  const digest = await loadDigest();
  const connection = new DatabaseConnection({ databaseName, openTimeoutMs, onLost, onWindow });
  await connection.open();
  return new IndexedDbStore(connection, digest, extras);
}

export class IndexedDbStore implements Store {
  readonly entries: EntryStore;
  readonly #connection: DatabaseConnection;
  readonly #digest: Digest;
  readonly #extras: StoreExtras | undefined;
  readonly #lost: LostMachines;

  constructor(connection: DatabaseConnection, digest: Digest, extras?: StoreExtras) {
    this.#connection = connection;
    this.#digest = digest;
    this.#extras = extras;
    this.entries = new Entries(connection, digest, extras?.copy);
    // Before anything is stored in place of lost data.
    this.#lost = new LostMachines(extras?.marks, () => this.machines());
    void this.#lost.look();
  }

  readonly #witness: MachineWitness = {
    skipped: () => this.#extras?.copy?.skipped(),
    records: async (records) => {
      await Promise.all([this.#lost.look(), this.#extras?.copy?.records(records)]);
    },
    generation: async (whole, held) => {
      const { id, name } = whole.machine;
      await this.#extras?.copy?.generation(whole, held);
      await this.#lost.look();
      await this.#extras?.marks?.put({ id, name, takenAtMs: whole.row.takenAtMs });
    },
  };

  async machines(): Promise<StoredMachine[]> {
    const rows = await this.#connection.read(['machines'], 'list the machines', (transaction) =>
      transaction.objectStore('machines').getAll(),
    );
    return rows.map(listed).sort((a, b) => b.lastUsedAtMs - a.lastUsedAtMs);
  }

  async open(id: string, create?: NewMachine): Promise<MachineStore> {
    const opening = openStoredMachine(this.#connection, id, create);
    // Queued behind it, not started after it: a resume waits for both.
    const first = create ? undefined : readReadable(this.#connection, this.#digest, id);
    first?.catch(() => undefined);
    return new OpenMachine(this.#connection, this.#digest, id, await opening, first, this.#witness);
  }

  async read(id: string): Promise<StoredReading> {
    const { machine, ...readable } = await readMachine(this.#connection, this.#digest, id);
    return {
      machine: listed(machine),
      ...readable,
      readRecords: (ids) => readRecords(this.#connection, this.#digest, ids),
    };
  }

  async peek(id: string): ReturnType<Store['peek']> {
    await this.#connection.read(['machines'], 'read the stored machine', async (transaction) => {
      if (!(await transaction.objectStore('machines').getKey(id))) throw notFound(id);
    });
    return {
      id,
      generations: () => readGenerations(this.#connection, this.#digest, id),
      readableGenerations: () => readReadable(this.#connection, this.#digest, id),
      readRecords: (ids) => readRecords(this.#connection, this.#digest, ids),
    };
  }

  salvage(id: string): Promise<SalvagedMachine> {
    return salvageMachine(this.#connection, this.#digest, id);
  }

  async rename(id: string, name: string): Promise<void> {
    const doing = 'rename the machine';
    await this.#connection.write(
      { name: 'rename', stores: ['machines'], durability: 'strict', doing },
      async (transaction) => {
        const machines = transaction.objectStore('machines');
        const machine = await machines.get(id);
        if (!machine) throw notFound(id);
        await machines.put({ ...machine, name });
      },
    );
    await this.#extras?.copy?.again();
  }

  async duplicate(id: string, name: string): Promise<string> {
    const copyId = randomId();
    await this.#connection.write(
      {
        name: 'duplicate',
        stores: ['machines', 'generations', 'manifests'],
        durability: 'strict',
        doing: 'duplicate the machine',
      },
      async (transaction) => {
        const machines = transaction.objectStore('machines');
        const generations = transaction.objectStore('generations');
        const manifests = transaction.objectStore('manifests');
        const [machine, rows, keys] = await Promise.all([
          machines.get(id),
          generations.getAll(under(id)),
          manifests.getAllKeys(under(id)),
        ]);
        if (!machine) throw notFound(id);
        for (const row of rows) {
          const copy = { ...row, machine: copyId };
          // A damaged row stays damaged in the copy.
          await generations.put(isWhole(row, this.#digest) ? seal(copy, this.#digest) : copy);
        }
        for (const key of keys) {
          const manifest = await manifests.get(key);
          if (manifest) await manifests.put(manifest, [copyId, key[1]]);
        }
        const now = Date.now();
        await machines.put({
          ...machine,
          id: copyId,
          name,
          createdAtMs: now,
          lastUsedAtMs: now,
          opener: 0,
        });
      },
    );
    await this.#extras?.copy?.again();
    return copyId;
  }

  async remove(id: string): Promise<void> {
    const { marks, copy } = this.#extras ?? {};
    await marks?.delete(id);
    const remove = () => this.#remove(id);
    await (copy ? copy.remove(id, remove) : remove());
  }

  #remove(id: string): Promise<void> {
    return this.#connection.write(
      {
        name: 'remove',
        stores: ['machines', 'generations', 'manifests', 'records'],
        durability: 'strict',
        doing: 'delete the machine',
      },
      async (transaction) => {
        await Promise.all([
          transaction.objectStore('machines').delete(id),
          transaction.objectStore('generations').delete(under(id)),
          transaction.objectStore('manifests').delete(under(id)),
        ]);
        await sweep(transaction);
      },
    );
  }

  async usage(): ReturnType<Store['usage']> {
    const { discarded } = this.#connection;
    const [usage, lost] = await Promise.all([storageUsage(), this.#lost.report()]);
    return { ...usage, ...(discarded && { discarded }), ...(lost.length > 0 && { lost }) };
  }

  close(): void {
    this.#connection.close();
    this.#extras?.copy?.close();
  }
}

function listed(row: MachineRow): StoredMachine {
  const { id, name, createdAtMs, lastUsedAtMs, sizeBytes, generation, takenAtMs, details } = row;
  return {
    id,
    name,
    createdAtMs,
    lastUsedAtMs,
    sizeBytes,
    ...(generation !== undefined && { generation }),
    ...(takenAtMs !== undefined && { takenAtMs }),
    details,
  };
}
