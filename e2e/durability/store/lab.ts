/**
 * Functions that the tests of the store run in a page or a worker; bundled, as `globalThis.lab`.
 */

import { requestPersistence } from '../../../src/client/persistence.ts';
import type { CrashWindow, copyWriteNames, writeNames } from '../../../src/store/crash-windows.ts';
import { type ConnectionLoss, DatabaseConnection } from '../../../src/store/database-connection.ts';
import { FailedPlaces } from '../../../src/store/failed-places.ts';
import { openKeptStore } from '../../../src/store/kept-store.ts';
import { openStore } from '../../../src/store/store.ts';
import type { MachineStore, Store } from '../../../src/store/types.ts';

type WriteName = (typeof writeNames)[number];

interface LabOptions {
  openTimeoutMs?: number;
  /** Fails with an error at this window. */
  throwAt?: CrashWindow;
  /** Requests `/window` there and waits for ever: the test kills the browser. */
  stopAt?: CrashWindow;
}

/** Records as the tests create them: their bytes follow from a number. */
export interface RecordSpec {
  seed: number;
  sizeBytes: number;
}

interface GenerationSpec {
  number: number;
  records: RecordSpec[];
}

const databaseName = 'holdfast';

export interface Snapshot {
  machines: { name: string; generations: GenerationSpec[] }[];
  entries: { name: string; sizeBytes: number }[];
}

let store: Store | undefined;
let stubborn: IDBDatabase | undefined;
const machines = new Map<string, MachineStore>();
const losses: ConnectionLoss[] = [];
const reached: CrashWindow[] = [];

function opened(): Store {
  if (!store) throw new Error('The test has not opened the store.');
  return store;
}

function machine(id: string): MachineStore {
  const open = machines.get(id);
  if (!open) throw new Error(`The test has not opened the machine ${id}.`);
  return open;
}

const lab = {
  losses,
  /** All crash windows so far, in order. */
  reached,
  requestPersistence,

  async openStore({ openTimeoutMs, throwAt, stopAt }: LabOptions = {}): Promise<void> {
    machines.clear();
    store = await openStore({
      ...(openTimeoutMs !== undefined && { openTimeoutMs }),
      onLost: (loss) => losses.push(loss),
      onWindow: (window) => {
        reached.push(window);
        if (window === throwAt) throw new Error(`died at ${window}`);
        if (window === stopAt) stopForGood();
      },
    });
  },
  /** With a second copy; see docs/spec/storage.md. */
  async openKeptStore({ throwAt, stopAt }: LabOptions = {}): Promise<void> {
    machines.clear();
    store = await openKeptStore({
      onLost: (loss) => losses.push(loss),
      onWindow: (window) => {
        reached.push(window);
        if (window === throwAt) throw new Error(`died at ${window}`);
        if (window === stopAt) stopForGood();
      },
    });
  },
  /** Contents of both places, once the copy is complete. */
  async prepareKept(): Promise<void> {
    await lab.openKeptStore();
    await lab.openMachine('other');
    await lab.checkpoint('other', specs(7));
    await lab.openMachine('m');
    await lab.checkpoint('m', specs(1, 2));
    await lab.putEntry('e', { seed: 1, sizeBytes: 3 * 1024 * 1024 });
  },
  /** Writes to both places, in each of the possible ways. */
  async performKept(write: (typeof copyWriteNames)[number], options: LabOptions): Promise<void> {
    await lab.openKeptStore(options);
    // The copy counts as complete from the first checkpoint on.
    if (write === 'copy-remove') return opened().remove('m');
    if (write === 'copy-entry') return opened().entries.delete('e');
    await lab.openMachine('m');
    await lab.checkpoint('m', specs(9), specs(10));
    await lab.checkpoint('m', specs(11), specs(12));
  },
  store: opened,
  machine,

  async openMachine(id: string, create = true): Promise<void> {
    const details = create
      ? { name: id, details: { made: 'by a test' }, replace: true }
      : undefined;
    machines.set(id, await opened().open(id, details));
  },

  /** Puts records of these seeds without publishing. */
  put: (id: string, specs: readonly RecordSpec[]): Promise<number[]> =>
    Promise.all(
      specs.map(async (spec) => {
        const bytes = bytesOf(spec);
        const record = await machine(id).putRecord(bytes);
        // Like the checkpointer, which writes the next record there.
        bytes.fill(0xee);
        return record;
      }),
    ),

  /** Takes a Web Lock. @returns a function that releases it */
  holdLock: (name: string): Promise<() => void> =>
    new Promise((held) => {
      void navigator.locks.request(name, () => new Promise<void>((release) => held(release)));
    }),

  postponeCopies: (id: string, isPostponed: boolean): void =>
    machine(id).postponeCopies(isPostponed),

  /** Holds records of these seeds for the next publication. */
  hold: (id: string, specs: readonly RecordSpec[]): Promise<number[]> =>
    Promise.all(specs.map((spec) => machine(id).holdRecord(bytesOf(spec)))),

  publish: (id: string, specs: readonly RecordSpec[], records: readonly number[]) =>
    machine(id).publish({ takenAtMs: Date.now(), manifest: encode(specs), records }),

  /**
   * Puts and publishes records; resolves with the ids.
   *
   * @param held records that are written in the generation's own transaction
   */
  async checkpoint(
    id: string,
    specs: readonly RecordSpec[],
    held: readonly RecordSpec[] = [],
  ): Promise<number[]> {
    const waiting = held.map(bytesOf);
    const records = await lab.put(id, specs);
    for (const bytes of waiting) records.push(await machine(id).holdRecord(bytes));
    await lab.publish(id, [...specs, ...held], records);
    // Like the checkpointer, which writes the next record there.
    for (const bytes of waiting) bytes.fill(0xee);
    return records;
  },

  /** Reads all generations of a machine, and compares every byte of every record. */
  async readBack(id: string): Promise<GenerationSpec[]> {
    const { generations, readRecords } = await opened().peek(id);
    const found: GenerationSpec[] = [];
    for (const { number, manifest, records } of await generations()) {
      const specs = decode(manifest);
      let at = 0;
      for await (const { id: record, bytes } of readRecords(records)) {
        const spec = specs[at];
        if (!spec || record !== records[at] || !isSame(bytes, bytesOf(spec))) {
          throw new Error(`Generation ${number}: record ${at} (id ${record}) has other bytes.`);
        }
        at++;
      }
      if (at !== specs.length)
        throw new Error(`Generation ${number}: ${at} records of ${specs.length}.`);
      found.push({ number, records: specs });
    }
    return found;
  },

  putEntry: (name: string, spec: RecordSpec) => opened().entries.put(name, bytesOf(spec)),
  hasEntry: async (name: string, spec: RecordSpec) =>
    isSame(await opened().entries.get(name), bytesOf(spec)),

  /** Returns the code and message that `run` fails with, or undefined. */
  async failure(
    run: () => Promise<unknown>,
  ): Promise<{ code: string; message: string } | undefined> {
    try {
      await run();
      return undefined;
    } catch (thrown) {
      const { code = 'none', message } = thrown as Error & { code?: string };
      return { code, message };
    }
  },

  /** Changes the database without the store. */
  async raw<T>(stores: string[], work: (transaction: IDBTransaction) => IDBRequest<T>): Promise<T> {
    const database = await settled(indexedDB.open(databaseName));
    const transaction = database.transaction(stores, 'readwrite');
    const request = work(transaction);
    await new Promise((done, fail) => {
      transaction.oncomplete = done;
      transaction.onabort = () => fail(transaction.error);
    });
    database.close();
    return request.result;
  },
  /** Changes one row of the database without the store. */
  change: (name: string, key: IDBValidKey, change: (row: never) => unknown): Promise<unknown> =>
    lab.raw([name], (transaction) => {
      const rows = transaction.objectStore(name);
      const request = rows.get(key);
      request.onsuccess = () => {
        const row = change(request.result as never);
        rows.put(row, rows.keyPath === null ? key : undefined);
      };
      return request;
    }),
  /** Holds a connection that never closes for others, like a page of an older version. */
  holdStubbornly: async (version?: number): Promise<void> => {
    stubborn = await settled(indexedDB.open(databaseName, version));
  },
  /** Connects as a store of another version would. */
  connect: async (version: number, openTimeoutMs: number): Promise<void> => {
    const ignore = () => undefined;
    const options = { databaseName, version, openTimeoutMs, onLost: ignore, onWindow: ignore };
    const connection = new DatabaseConnection(options);
    await connection.open();
    connection.close();
  },
  /** Damages the manifests of one machine, in the first place and in all copies. */
  async damageManifests(id: string): Promise<void> {
    const { storageBuckets } = navigator as unknown as {
      storageBuckets: {
        keys(): Promise<string[]>;
        open(name: string): Promise<{ indexedDB: IDBFactory }>;
      };
    };
    const names = (await storageBuckets.keys()).filter((name) => /^holdfast-\d+$/.test(name));
    const buckets = await Promise.all(names.map((name) => storageBuckets.open(name)));
    for (const { indexedDB: factory } of [{ indexedDB }, ...buckets]) {
      const database = await settled(factory.open(databaseName));
      const manifests = database.transaction('manifests', 'readwrite').objectStore('manifests');
      for (const key of await settled(manifests.getAllKeys(IDBKeyRange.bound([id], [id, []]))))
        await settled(manifests.put(new Uint8Array(1), key));
      database.close();
    }
  },
  /** Like a worker that remembers that the disk refused a write there. */
  failPlace: (place: number): Promise<void> => new FailedPlaces().add(place),
  hasFailed: (place: number): Promise<boolean> => new FailedPlaces().has(place),
  /** Returns the names of the buckets that are places, or have data about one. */
  placeNames: async (): Promise<string[]> => {
    const { storageBuckets } = navigator as unknown as {
      storageBuckets: { keys(): Promise<string[]> };
    };
    return (await storageBuckets.keys()).filter((name) => /^holdfast-\d/.test(name)).sort();
  },
  /** Returns the version of the default IndexedDB's database, if it exists. */
  defaultVersion: async (): Promise<number | undefined> =>
    (await indexedDB.databases()).find(({ name }) => name === databaseName)?.version,
  closeStubborn: () => stubborn?.close(),
  /** Resolves when the database is deleted. */
  deleteDatabase: async (): Promise<void> => {
    await settled(indexedDB.deleteDatabase(databaseName));
  },
  /** Opens and closes the database as a later schema would. */
  convert: async (version: number): Promise<void> => {
    (await settled(indexedDB.open(databaseName, version))).close();
  },

  /** Returns the contents of the store, without the parts that differ from run to run. */
  async snapshot(): Promise<Snapshot> {
    const found = await opened().machines();
    const machines = await Promise.all(
      found.map(async ({ id, name }) => ({ name, generations: await lab.readBack(id) })),
    );
    const entries = await opened().entries.list();
    // Each part's digest is checked.
    for (const { name } of entries) await opened().entries.get(name);
    return {
      machines: machines.sort((a, b) => a.name.localeCompare(b.name)),
      entries: entries.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
    };
  },
  /** Prepares a database in which each kind of write has an effect. */
  async prepare(): Promise<void> {
    await lab.deleteDatabase();
    await lab.openStore();
    await lab.openMachine('other');
    await lab.checkpoint('other', specs(7));
    await lab.openMachine('m');
    const [shared] = await lab.checkpoint('m', specs(1, 2));
    const [next] = await lab.put('m', specs(3));
    await lab.publish('m', specs(1, 3), [shared!, next!]);
    await lab.put('m', specs(8));
    await lab.putEntry('e', { seed: 1, sizeBytes: 3 * 1024 * 1024 });
  },

  /** Does one kind of write to the contents from {@link lab.prepare}. */
  async perform(write: WriteName, options: LabOptions): Promise<void> {
    if (write === 'upgrade') await lab.deleteDatabase();
    await lab.openStore(options);
    const store = opened();
    const m = () => store.open('m');
    const writes: Record<WriteName, () => Promise<unknown>> = {
      upgrade: async () => undefined,
      open: m,
      'put-records': async () => (await m()).putRecord(bytesOf(specs(9)[0]!)),
      publish: async () => {
        await lab.openMachine('m');
        await lab.checkpoint('m', specs(9), specs(10));
      },
      'drop-newest': async () => (await m()).dropNewest(),
      abandon: async () => {
        await lab.openMachine('m');
        await lab.machine('m').abandon(await lab.put('m', specs(9)));
      },
      rename: () => store.rename('m', 'renamed'),
      duplicate: () => store.duplicate('m', 'copy'),
      remove: () => store.remove('m'),
      'put-entry': () => lab.putEntry('e', { seed: 2, sizeBytes: 2 * 1024 * 1024 }),
      'delete-entry': () => store.entries.delete('e'),
    };
    await writes[write]();
  },

  /** Opens every machine again, which collects orphans; then counts records without a reference. */
  async orphansAfterOpening(): Promise<number> {
    const referenced = new Set<number>();
    for (const { id } of await opened().machines()) {
      for (const { records } of await (await opened().open(id)).generations()) {
        for (const record of records) referenced.add(record);
      }
    }
    return (await lab.recordKeys()).filter((key) => !referenced.has(key)).length;
  },

  countRows: (name: string): Promise<number> =>
    lab.raw([name], (transaction) => transaction.objectStore(name).count()),
  recordKeys: async (): Promise<number[]> =>
    (await lab.raw(['records'], (transaction) =>
      transaction.objectStore('records').getAllKeys(),
    )) as number[],
};

export type Lab = typeof lab;

Object.assign(globalThis, { lab });

const specs = (...seeds: number[]): RecordSpec[] =>
  seeds.map((seed) => ({ seed, sizeBytes: 256 * 1024 }));

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((done, fail) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
}

/** Blocks this thread inside any open transaction. */
function stopForGood(): void {
  const request = new XMLHttpRequest();
  request.open('GET', `${location.origin}/window`, false);
  request.send();
}

function bytesOf({ seed, sizeBytes }: RecordSpec): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = seed * 2654435761 + 1;
  for (let at = 0; at < words.length; at++) {
    state = Math.imul(state, 1664525) + 1013904223;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

const encode = (specs: readonly RecordSpec[]) => new TextEncoder().encode(JSON.stringify(specs));
const decode = (manifest: Uint8Array) =>
  JSON.parse(new TextDecoder().decode(manifest)) as RecordSpec[];
