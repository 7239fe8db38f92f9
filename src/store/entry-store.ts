/**
 * Named vmstates. One transaction writes a whole entry, in parts of a size that IndexedDB stores
 * fast.
 */
import { HoldfastError } from '../errors.ts';
import type { Copy } from './copy.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import { under } from './key-ranges.ts';
import { mayBeLost } from './lost-value.ts';
import type { Bytes, EntryRow, RecordRow, Stores } from './schema.ts';
import { valuesTransferred } from './transferred.ts';
import type { EntryStore } from './types.ts';

const partBytes = 1024 * 1024;
const partsInFlight = 4;
const stores: Stores[] = ['entries', 'entryParts'];

/** Seed of a part's digest: its number, so that swapped parts are detected. */
const seedOf = (part: number) => BigInt(part);

const damaged = (name: string) =>
  new HoldfastError('storage-damaged', `The saved state “${name}” is damaged.`);

export class Entries implements EntryStore {
  readonly #connection: DatabaseConnection;
  readonly #digest: Digest;

  readonly #copy: Copy | undefined;

  constructor(connection: DatabaseConnection, digest: Digest, copy?: Copy) {
    this.#copy = copy;
    this.#connection = connection;
    this.#digest = digest;
  }

  list(): ReturnType<EntryStore['list']> {
    return this.#connection.read(['entries'], 'list the saved states', async (transaction) => {
      const rows = await transaction.objectStore('entries').getAll();
      return rows.map(({ name, sizeBytes, savedAtMs }) => ({ name, sizeBytes, savedAtMs }));
    });
  }

  async get(name: string): Promise<Uint8Array> {
    const read = this.#connection.read(stores, 'read the saved state', async (transaction) => {
      const entry = await transaction.objectStore('entries').get(name);
      if (!entry) throw new HoldfastError('not-found', `There is no saved state “${name}”.`);
      const bytes = new Uint8Array(entry.sizeBytes);
      for (let first = 0; first < entry.parts; first += partsInFlight) {
        const numbers = Array.from(
          { length: Math.min(partsInFlight, entry.parts - first) },
          (_, index) => first + index,
        );
        const parts = await Promise.all(
          numbers.map((number) => transaction.objectStore('entryParts').get([name, number])),
        );
        for (const [index, part] of parts.entries()) {
          const number = first + index;
          bytes.set(this.#wholePart(entry, number, part), number * partBytes);
        }
      }
      return bytes;
    });
    return read.catch(async (thrown) => {
      if (!mayBeLost(thrown)) throw thrown;
      // If this read fails too, the database is damaged, not the entry.
      await this.list();
      throw damaged(name);
    });
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const doing = 'save the state';
    const parts = Math.ceil(bytes.length / partBytes);
    await this.#connection.write(
      { name: 'put-entry', stores, durability: 'strict', doing, sizeBytes: bytes.length },
      async (transaction) => {
        const entryParts = transaction.objectStore('entryParts');
        await entryParts.delete(under(name));
        for (let number = 0; number < parts; number++) {
          const part = new Uint8Array(bytes.slice(number * partBytes, (number + 1) * partBytes));
          // One at a time, so that the copies do not double a state's memory.
          await entryParts.put({ bytes: part, digest: this.#digest(part, seedOf(number)) }, [
            name,
            number,
          ]);
        }
        await transaction
          .objectStore('entries')
          .put({ name, sizeBytes: bytes.length, savedAtMs: Date.now(), parts });
      },
    );
    const keys = Array.from({ length: parts }, (_, number): [string, number] => [name, number]);
    const largestBytes = Math.min(bytes.length, partBytes);
    await valuesTransferred(this.#connection, 'entryParts', keys, largestBytes);
    await this.#copy?.again();
  }

  async delete(name: string): Promise<void> {
    const doing = 'delete the saved state';
    const remove = () => this.#remove(name, doing);
    await (this.#copy ? this.#copy.removeEntry(name, remove) : remove());
  }

  #remove(name: string, doing: string): Promise<void> {
    return this.#connection.write(
      { name: 'delete-entry', stores, durability: 'strict', doing },
      async (transaction) => {
        await Promise.all([
          transaction.objectStore('entries').delete(name),
          transaction.objectStore('entryParts').delete(under(name)),
        ]);
      },
    );
  }

  #wholePart({ name, sizeBytes }: EntryRow, number: number, part: RecordRow | undefined): Bytes {
    const expected = Math.min(partBytes, sizeBytes - number * partBytes);
    if (
      !(part?.bytes instanceof Uint8Array) ||
      part.bytes.length !== expected ||
      this.#digest(part.bytes, seedOf(number)) !== part.digest
    ) {
      throw damaged(name);
    }
    return part.bytes;
  }
}
