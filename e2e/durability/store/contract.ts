/** What src/store/types.ts promises, for every browser that a guest may be stored in. */
import { expect, type TestType } from '@playwright/test';
import { writeNames, writeStages } from '../../../src/store/crash-windows.ts';
import type { Lab, RecordSpec } from './lab.ts';

declare global {
  /** In the page and in its workers. */
  var lab: Lab;
}

/** A place of its own that can open the store: a worker or a page that has the lab. */
export interface Opener {
  evaluate<Result, Argument>(
    work: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  evaluate<Result>(work: () => Result | Promise<Result>): Promise<Result>;
}

export interface ContractFixtures {
  /** Starts another opener on the same origin. */
  startOpener: () => Promise<Opener>;
}

const kib = 1024;
/** Records of the usual size; their seeds say what is in them. */
export const specs = (...seeds: number[]): RecordSpec[] =>
  seeds.map((seed) => ({ seed, sizeBytes: 256 * kib }));

export function storeContract(test: TestType<ContractFixtures, object>): void {
  test.describe('generations', () => generations(test));
  test.describe('damage', () => damage(test));
  test.describe('records', () => records(test));
  test.describe('openers', () => openers(test));
  test.describe('machines', () => machines(test));
  test.describe('entries', () => entries(test));
  test.describe('the database', () => database(test));
  test.describe('an operation that fails', () => crashes(test));
}

function generations(test: TestType<ContractFixtures, object>): void {
  test('two are kept, newest first; records that neither needs are deleted', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(
      async ([first, second, third]) => {
        await lab.openStore();
        await lab.openMachine('m');
        const [a, b] = await lab.checkpoint('m', first);
        const [c] = await lab.put('m', second.slice(1));
        await lab.publish('m', second, [a!, c!]);
        const two = {
          read: await lab.readBack('m'),
          keys: await lab.recordKeys(),
          ids: [a, b, c],
        };
        const [d] = await lab.put('m', third.slice(1));
        await lab.publish('m', third, [c!, d!]);
        const three = {
          read: await lab.readBack('m'),
          keys: await lab.recordKeys(),
          ids: [a, c, d],
          manifests: await lab.countRows('manifests'),
        };
        return { two, three };
      },
      [specs(1, 2), specs(1, 3), specs(3, 4)] as const,
    );
    expect(result.two.read).toEqual([
      { number: 2, records: specs(1, 3) },
      { number: 1, records: specs(1, 2) },
    ]);
    expect(result.two.keys).toEqual(result.two.ids);
    expect(result.three.read).toEqual([
      { number: 3, records: specs(3, 4) },
      { number: 2, records: specs(1, 3) },
    ]);
    expect(result.three.keys).toEqual(result.three.ids);
    expect(result.three.manifests).toBe(2);
  });

  test('dropNewest goes back to the one before; its number is not used again', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(
      async ([first, second, third]) => {
        await lab.openStore();
        await lab.openMachine('m');
        await lab.checkpoint('m', first);
        await lab.checkpoint('m', second);
        await lab.machine('m').dropNewest();
        const dropped = await lab.readBack('m');
        await lab.checkpoint('m', third);
        const published = await lab.readBack('m');
        await lab.machine('m').dropNewest();
        await lab.machine('m').dropNewest();
        // There is nothing left to drop.
        await lab.machine('m').dropNewest();
        const [machine] = await lab.store().machines();
        return {
          dropped,
          published,
          left: await lab.readBack('m'),
          generation: machine?.generation ?? 'none',
          sizeBytes: machine?.sizeBytes,
          records: await lab.countRows('records'),
          manifests: await lab.countRows('manifests'),
        };
      },
      [specs(1), specs(2), specs(3)] as const,
    );
    expect(result).toEqual({
      dropped: [{ number: 1, records: specs(1) }],
      published: [
        { number: 3, records: specs(3) },
        { number: 1, records: specs(1) },
      ],
      left: [],
      generation: 'none',
      sizeBytes: 0,
      records: 0,
      manifests: 0,
    });
  });

  test('a record that was never put cannot be published', async ({ startOpener }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(async (records) => {
      await lab.openStore();
      await lab.openMachine('m');
      await lab.checkpoint('m', records);
      const failure = await lab.failure(() => lab.publish('m', records, [12345]));
      return { failure, read: await lab.readBack('m') };
    }, specs(1));
    expect(result.failure).toMatchObject({ code: 'internal' });
    expect(result.failure?.message).toContain('12345');
    expect(result.read).toEqual([{ number: 1, records: specs(1) }]);
  });
}

function damage(test: TestType<ContractFixtures, object>): void {
  const kinds = ['a bit turned', 'torn off', 'missing', 'in the place of another'] as const;
  for (const kind of kinds) {
    test(`a record ${kind} is storage-damaged, by its id`, async ({ startOpener }) => {
      const opener = await startOpener();
      const result = await opener.evaluate(
        async ({ kind, records }) => {
          await lab.openStore();
          await lab.openMachine('m');
          const ids = await lab.checkpoint('m', records);
          const [first, second] = ids as [number, number, number];
          if (kind === 'missing') {
            await lab.raw(['records'], (all) => all.objectStore('records').delete(second));
          } else if (kind === 'in the place of another') {
            const other = await lab.raw(['records'], (all) =>
              all.objectStore('records').get(first),
            );
            await lab.change('records', second, () => other);
          } else {
            await lab.change('records', second, (row: { bytes: Uint8Array }) => {
              if (kind === 'torn off') return { ...row, bytes: row.bytes.slice(0, 100_000) };
              row.bytes[200_000]! ^= 4;
              return row;
            });
          }
          return { second, failure: await lab.failure(() => lab.readBack('m')) };
        },
        { kind, records: specs(1, 2, 3) },
      );
      expect(result.failure).toMatchObject({ code: 'storage-damaged' });
      expect(result.failure?.message).toContain(`${result.second}`);
    });
  }

  const manifests = [
    'manifest changed',
    'manifest missing',
    'list of records changed',
    'row missing',
  ];
  for (const kind of manifests) {
    test(`a newest generation with its ${kind} is said to be damaged, and dropped for the one before`, async ({
      startOpener,
    }) => {
      const opener = await startOpener();
      const result = await opener.evaluate(
        async ({ kind, first, second }) => {
          await lab.openStore();
          await lab.openMachine('m');
          await lab.checkpoint('m', first);
          await lab.checkpoint('m', second);
          const newest = ['m', 2];
          if (kind === 'manifest changed') {
            await lab.change('manifests', newest, (bytes: Uint8Array) => {
              bytes[3]! ^= 1;
              return bytes;
            });
          } else if (kind === 'list of records changed') {
            await lab.change('generations', newest, (row: { records: Float64Array }) => {
              row.records[0]! += 1;
              return row;
            });
          } else {
            const from = kind === 'row missing' ? 'generations' : 'manifests';
            await lab.raw([from], (all) => all.objectStore(from).delete(newest));
          }
          // As after a crash: what the first opener put is swept as nobody's.
          await lab.openMachine('m');
          const failure = await lab.failure(() => lab.readBack('m'));
          await lab.machine('m').dropNewest();
          return {
            failure,
            read: await lab.readBack('m'),
            records: await lab.countRows('records'),
          };
        },
        { kind, first: specs(1, 2), second: specs(3, 4, 5) },
      );
      expect(result.failure).toMatchObject({ code: 'storage-damaged' });
      expect(result.failure?.message).toContain('generation 2');
      expect(result.read).toEqual([{ number: 1, records: specs(1, 2) }]);
      expect(result.records).toBe(2);
    });
  }

  test('what is read as a machine is opened is not taken for what is published later', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const numbers = await opener.evaluate(
      async ([first, second]) => {
        await lab.openStore();
        await lab.openMachine('m');
        await lab.checkpoint('m', first);
        await lab.openMachine('m', false);
        await lab.checkpoint('m', second);
        const published = await lab.machine('m').readableGenerations();
        await lab.openMachine('m', false);
        const reopened = await lab.machine('m').readableGenerations();
        const numbersOf = ({ generations }: typeof published) => generations.map((g) => g.number);
        return [numbersOf(published), numbersOf(reopened)];
      },
      [specs(1), specs(2)] as const,
    );
    expect(numbers).toEqual([
      [2, 1],
      [2, 1],
    ]);
  });

  test('an older generation that is damaged is left out', async ({ startOpener }) => {
    const opener = await startOpener();
    const read = await opener.evaluate(
      async ([first, second]) => {
        await lab.openStore();
        await lab.openMachine('m');
        await lab.checkpoint('m', first);
        await lab.checkpoint('m', second);
        await lab.change('manifests', ['m', 1], (bytes: Uint8Array) => bytes.slice(1));
        return lab.readBack('m');
      },
      [specs(1), specs(2)] as const,
    );
    expect(read).toEqual([{ number: 2, records: specs(2) }]);
  });

  test('with both generations damaged each is said to be, and a new one can be published', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(
      async ([first, second, third]) => {
        await lab.openStore();
        await lab.openMachine('m');
        await lab.checkpoint('m', first);
        await lab.checkpoint('m', second);
        for (const number of [1, 2]) {
          await lab.change('manifests', ['m', number], (bytes: Uint8Array) => bytes.slice(1));
        }
        const newest = await lab.failure(() => lab.readBack('m'));
        await lab.machine('m').dropNewest();
        const older = await lab.failure(() => lab.readBack('m'));
        await lab.machine('m').dropNewest();
        const left = await lab.readBack('m');
        await lab.checkpoint('m', third);
        return { codes: [newest?.code, older?.code], left, read: await lab.readBack('m') };
      },
      [specs(1), specs(2), specs(3)] as const,
    );
    expect(result).toEqual({
      codes: ['storage-damaged', 'storage-damaged'],
      left: [],
      read: [{ number: 3, records: specs(3) }],
    });
  });
}

function records(test: TestType<ContractFixtures, object>): void {
  test('records come in the order asked for, any id any number of times', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const isRight = await opener.evaluate(async () => {
      await lab.openStore();
      await lab.openMachine('m');
      const specs = Array.from({ length: 100 }, (_, seed) => ({ seed, sizeBytes: 1000 + seed }));
      const ids = await lab.put('m', specs);
      const order = [...ids.keys()].sort((a, b) => ((a * 37) % 101) - ((b * 37) % 101));
      order.push(5, 5, 4);
      const asked = order.map((index) => ids[index]!);
      const got: number[] = [];
      for await (const { id, bytes } of lab.machine('m').readRecords(asked)) {
        if (bytes.length !== 1000 + ids.indexOf(id)) throw new Error('Another record.');
        got.push(id);
      }
      return got.length === asked.length && got.every((id, at) => id === asked[at]);
    });
    expect(isRight).toBe(true);
  });

  test('large records are kept as Blobs, and come back in order among small ones', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(async () => {
      await lab.openStore();
      await lab.openMachine('m');
      // More than is read ahead.
      const sizes = [1000, 4 << 20, 256 << 10, 600 << 10, 1001, ...Array(8).fill(4 << 20), 1002];
      const specs = sizes.map((sizeBytes, seed) => ({ seed, sizeBytes }));
      const ids = await lab.checkpoint('m', specs);
      const rows = (await lab.raw(['records'], (transaction) =>
        transaction.objectStore('records').getAll(),
      )) as { bytes: unknown }[];
      const isBlob = rows.slice(0, 5).map(({ bytes }) => bytes instanceof Blob);
      const read = (await lab.readBack('m'))[0]?.records.length;
      return { isBlob, read, written: ids.length };
    });
    expect(result).toEqual({
      isBlob: [false, true, false, true, false],
      read: 14,
      written: 14,
    });
  });

  test('a database of version 1 takes large records, and a store of that version is told that it is older', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(async () => {
      await lab.connect(1, 5000);
      await lab.openStore();
      await lab.openMachine('m');
      const large = [{ seed: 1, sizeBytes: 1 << 20 }];
      await lab.checkpoint('m', large);
      const older = await lab.failure(() => lab.connect(1, 5000));
      return { read: await lab.readBack('m'), older: older?.code };
    });
    expect(result).toEqual({
      read: [{ number: 1, records: [{ seed: 1, sizeBytes: 1 << 20 }] }],
      older: 'storage-newer',
    });
  });

  test('whoever stops reading half-way leaves nothing behind', async ({ startOpener }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(
      async (specs) => {
        await lab.openStore();
        await lab.openMachine('m');
        const ids = await lab.checkpoint('m', specs);
        for await (const { id } of lab.machine('m').readRecords(ids)) if (id === ids[1]) break;
        return lab.readBack('m');
      },
      specs(...Array(40).keys()),
    );
    expect(result).toHaveLength(1);
  });

  test('only the bytes that a view shows are stored, and shared memory is copied', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const stored = await opener.evaluate(async () => {
      await lab.openStore();
      await lab.openMachine('m');
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      const shared = new Uint8Array(memory.buffer, 16, 4).fill(7);
      const view = new Uint8Array(1024 * 1024).fill(3).subarray(10, 13);
      const ids = await Promise.all(
        [shared, view].map((bytes) => lab.machine('m').putRecord(bytes)),
      );
      const found: number[][] = [];
      for await (const { bytes } of lab.machine('m').readRecords(ids)) {
        found.push([bytes.buffer.byteLength, ...bytes]);
      }
      return found;
    });
    expect(stored).toEqual([
      [4, 7, 7, 7, 7],
      [3, 3, 3, 3],
    ]);
  });

  test('abandoned records are deleted, published ones stay', async ({ startOpener }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(
      async ([first, second]) => {
        await lab.openStore();
        await lab.openMachine('m');
        const published = await lab.checkpoint('m', first);
        const put = await lab.put('m', second);
        await lab.machine('m').abandon([...put, ...published]);
        return { read: await lab.readBack('m'), left: await lab.recordKeys(), published };
      },
      [specs(1, 2), specs(3, 4)] as const,
    );
    expect(result.left).toEqual(result.published);
    expect(result.read).toEqual([{ number: 1, records: specs(1, 2) }]);
  });

  test('no id is used twice, whatever becomes of a record or a machine', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const ids = await opener.evaluate(
      async ([some, others]) => {
        const ids: number[] = [];
        for (let round = 0; round < 2; round++) {
          await lab.openStore();
          await lab.openMachine('m');
          const put = await lab.put('m', some);
          await lab.machine('m').abandon(put);
          ids.push(...put, ...(await lab.checkpoint('m', others)));
          await lab.machine('m').dropNewest();
          await lab.openMachine('m');
          ids.push(...(await lab.put('m', some)));
          await lab.store().remove('m');
          await lab.openMachine('n');
          ids.push(...(await lab.put('n', some)));
        }
        return ids;
      },
      [specs(1, 2), specs(3)] as const,
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
}

function openers(test: TestType<ContractFixtures, object>): void {
  test('a later opener fences the earlier one off, and collects what it left', async ({
    startOpener,
  }) => {
    const [first, second] = [await startOpener(), await startOpener()];
    await first.evaluate(
      async ([published, orphans]) => {
        await lab.openStore();
        await lab.openMachine('m');
        await lab.checkpoint('m', published);
        await lab.put('m', orphans);
      },
      [specs(1), specs(2, 3)] as const,
    );
    const left = await second.evaluate(async () => {
      await lab.openStore();
      await lab.openMachine('m', false);
      return lab.countRows('records');
    });
    expect(left).toBe(1);

    const codes = await first.evaluate(async (specs) => {
      const machine = lab.machine('m');
      const attempts = [
        () => lab.put('m', specs),
        () => lab.publish('m', [], []),
        () => machine.dropNewest(),
        () => machine.abandon([]),
      ];
      const codes: unknown[] = [];
      for (const attempt of attempts) codes.push((await lab.failure(attempt))?.code);
      return codes;
    }, specs(4));
    expect(codes).toEqual(['taken-over', 'taken-over', 'taken-over', 'taken-over']);

    const read = await second.evaluate(async (specs) => {
      await lab.checkpoint('m', specs);
      return lab.readBack('m');
    }, specs(5));
    expect(read).toEqual([
      { number: 2, records: specs(5) },
      { number: 1, records: specs(1) },
    ]);
  });

  test('a machine is not made in the place of one that is stored', async ({ startOpener }) => {
    const opener = await startOpener();
    const found = await opener.evaluate(async (specs) => {
      await lab.openStore();
      await lab.openMachine('m');
      await lab.checkpoint('m', specs);
      const make = () => lab.store().open('m', { name: 'another', details: {} });
      const code = (await lab.failure(make))?.code;
      // Whoever has it goes on with it.
      await lab.checkpoint('m', specs);
      return { code, generations: (await lab.readBack('m')).length };
    }, specs(1));
    expect(found).toEqual({ code: 'storage-occupied', generations: 2 });
  });

  test('the machine that was fenced off can still be read', async ({ startOpener }) => {
    const [first, second] = [await startOpener(), await startOpener()];
    await first.evaluate(async (specs) => {
      await lab.openStore();
      await lab.openMachine('m');
      await lab.checkpoint('m', specs);
    }, specs(1));
    await second.evaluate(async () => {
      await lab.openStore();
      await lab.openMachine('m');
    });
    const numbers = await first.evaluate(async () =>
      (await lab.machine('m').generations()).map(({ number }) => number),
    );
    expect(numbers).toEqual([1]);
  });
}

function machines(test: TestType<ContractFixtures, object>): void {
  test('are listed with name, size, times, newest generation and details', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const { before, after, manifestBytes, list } = await opener.evaluate(
      async (specs) => {
        await lab.openStore();
        const before = Date.now();
        await lab.openMachine('new');
        await lab.openMachine('m');
        const records = await lab.put('m', specs);
        const manifest = Uint8Array.of(1, 2, 3);
        const details = { thumbnail: 'data:,' };
        await lab.machine('m').publish({ takenAtMs: 5, manifest, records, details });
        const after = Date.now();
        const list = await lab.store().machines();
        return { before, after, manifestBytes: manifest.length, list };
      },
      specs(1, 2),
    );
    expect(list).toMatchObject([
      { id: 'm', name: 'm', generation: 1, takenAtMs: 5, details: { thumbnail: 'data:,' } },
      { id: 'new', name: 'new', sizeBytes: 0, details: { made: 'by a test' } },
    ]);
    expect(list[0]?.sizeBytes).toBe(2 * 256 * kib + manifestBytes);
    expect(list[1]).not.toHaveProperty('generation');
    for (const { createdAtMs, lastUsedAtMs } of list) {
      expect(createdAtMs).toBeGreaterThanOrEqual(before);
      expect(lastUsedAtMs).toBeLessThanOrEqual(after);
    }
  });

  test('that are not there are not-found, and made only when asked to', async ({ startOpener }) => {
    const opener = await startOpener();
    const codes = await opener.evaluate(async () => {
      await lab.openStore();
      const store = lab.store();
      const attempts = [
        () => store.open('none'),
        () => store.read('none'),
        () => store.peek('none'),
        () => store.rename('none', 'x'),
        () => store.duplicate('none', 'x'),
      ];
      const codes: unknown[] = [];
      for (const attempt of attempts) codes.push((await lab.failure(attempt))?.code);
      await store.remove('none');
      codes.push((await store.machines()).length);
      return codes;
    });
    expect(codes).toEqual([...Array<string>(5).fill('not-found'), 0]);
  });

  test('a new name survives the next generation', async ({ startOpener }) => {
    const opener = await startOpener();
    const list = await opener.evaluate(async (specs) => {
      await lab.openStore();
      await lab.openMachine('m');
      await lab.store().rename('m', 'Build host');
      await lab.checkpoint('m', specs);
      return lab.store().machines();
    }, specs(1));
    expect(list).toMatchObject([{ id: 'm', name: 'Build host', generation: 1 }]);
  });

  for (const firstToGo of ['original', 'copy'] as const) {
    test(`a copy shares records and goes its own way; the ${firstToGo} may be deleted first`, async ({
      startOpener,
    }) => {
      const opener = await startOpener();
      const result = await opener.evaluate(
        async ({ firstToGo, first, second, mine, yours }) => {
          await lab.openStore();
          await lab.openMachine('m');
          await lab.checkpoint('m', first);
          await lab.checkpoint('m', second);
          const copy = await lab.store().duplicate('m', 'Copy');
          const shared = await lab.countRows('records');
          await lab.openMachine(copy, false);
          // Each drops its oldest generation, which the other still has or has not.
          await lab.checkpoint('m', mine);
          const original = await lab.readBack('m');
          const untouched = await lab.readBack(copy);
          await lab.checkpoint(copy, yours);
          const copied = await lab.readBack(copy);
          const both = await lab.countRows('records');
          const [gone, stays] = firstToGo === 'copy' ? [copy, 'm'] : ['m', copy];
          await lab.store().remove(gone);
          const survivor = await lab.readBack(stays);
          const one = await lab.countRows('records');
          await lab.store().remove(stays);
          const none = await lab.countRows('records');
          const counts = { shared, both, one, none };
          return { original, untouched, copied, survivor, counts };
        },
        { firstToGo, first: specs(1, 2), second: specs(3, 4), mine: specs(5), yours: specs(6) },
      );
      const [one, two] = [
        { number: 1, records: specs(1, 2) },
        { number: 2, records: specs(3, 4) },
      ];
      const original = [{ number: 3, records: specs(5) }, two];
      const copied = [{ number: 3, records: specs(6) }, two];
      expect(result).toEqual({
        original,
        untouched: [two, one],
        copied,
        survivor: firstToGo === 'copy' ? original : copied,
        counts: { shared: 4, both: 4, one: 3, none: 0 },
      });
    });
  }

  test('deleting one leaves nothing of it, and all of the others', async ({ startOpener }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(
      async ([first, second, unpublished]) => {
        await lab.openStore();
        await lab.openMachine('m');
        await lab.openMachine('other');
        await lab.checkpoint('m', first);
        await lab.put('m', unpublished);
        await lab.checkpoint('other', second);
        const inFlight = await lab.put('other', unpublished);
        await lab.store().remove('m');
        const left = await lab.countRows('records');
        await lab.publish('other', unpublished, inFlight);
        const failure = await lab.failure(() => lab.put('m', unpublished));
        const counts = [];
        for (const rows of ['machines', 'generations', 'manifests', 'records']) {
          counts.push(await lab.countRows(rows));
        }
        return { left, read: await lab.readBack('other'), code: failure?.code, counts };
      },
      [specs(1, 2), specs(3), specs(4)] as const,
    );
    expect(result).toEqual({
      left: 2,
      read: [
        { number: 2, records: specs(4) },
        { number: 1, records: specs(3) },
      ],
      code: 'not-found',
      counts: [1, 2, 2, 2],
    });
  });
}

function entries(test: TestType<ContractFixtures, object>): void {
  test('are put, replaced as a whole, listed, read and deleted', async ({ startOpener }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(async () => {
      await lab.openStore();
      const { entries } = lab.store();
      const large = { seed: 1, sizeBytes: 9 * 1024 * 1024 + 17 };
      const small = { seed: 2, sizeBytes: 1000 };
      await lab.putEntry('a', large);
      await lab.putEntry('empty', { seed: 0, sizeBytes: 0 });
      const held = [await lab.hasEntry('a', large), (await entries.get('empty')).length];
      await lab.putEntry('a', small);
      const replaced = await lab.hasEntry('a', small);
      const parts = await lab.countRows('entryParts');
      const list = (await entries.list()).map(({ name, sizeBytes }) => [name, sizeBytes]);
      await entries.delete('a');
      await entries.delete('a');
      const failure = await lab.failure(() => entries.get('a'));
      const left = await lab.countRows('entryParts');
      return { held, replaced, parts, list, code: failure?.code, left };
    });
    expect(result).toEqual({
      held: [true, 0],
      replaced: true,
      parts: 1,
      list: [
        ['a', 1000],
        ['empty', 0],
      ],
      code: 'not-found',
      left: 0,
    });
  });

  test('damaged in one part, the whole entry is storage-damaged', async ({ startOpener }) => {
    const opener = await startOpener();
    const codes = await opener.evaluate(async () => {
      await lab.openStore();
      await lab.putEntry('a', { seed: 1, sizeBytes: 3 * 1024 * 1024 });
      const part = (number: number) =>
        lab.raw(['entryParts'], (all) => all.objectStore('entryParts').get(['a', number]));
      const [first, second] = [await part(0), await part(1)];
      const codes: unknown[] = [];
      const look = async () =>
        codes.push((await lab.failure(() => lab.store().entries.get('a')))?.code);
      await lab.change('entryParts', ['a', 1], () => first);
      await look();
      await lab.change('entryParts', ['a', 1], () => second);
      await look();
      await lab.raw(['entryParts'], (all) => all.objectStore('entryParts').delete(['a', 2]));
      await look();
      return codes.map((code) => code ?? 'whole');
    });
    expect(codes).toEqual(['storage-damaged', 'whole', 'storage-damaged']);
  });
}

function database(test: TestType<ContractFixtures, object>): void {
  test('deleted by another page, it is made anew and the store goes on', async ({
    startOpener,
  }) => {
    const [owner, other] = [await startOpener(), await startOpener()];
    await owner.evaluate(async (specs) => {
      await lab.openStore();
      await lab.openMachine('m');
      await lab.checkpoint('m', specs);
    }, specs(1));
    await other.evaluate(() => lab.deleteDatabase());
    const result = await owner.evaluate(async (specs) => {
      const put = await lab.failure(() => lab.put('m', specs));
      const list = await lab.store().machines();
      await lab.openMachine('m');
      await lab.checkpoint('m', specs);
      return { put, list, read: await lab.readBack('m'), losses: lab.losses };
    }, specs(2));
    expect(result).toMatchObject({
      put: { code: 'not-found' },
      list: [],
      read: [{ number: 1, records: specs(2) }],
      losses: ['deleted'],
    });
  });

  test('wanted by a newer page, it is let go at once; later calls say to reload', async ({
    startOpener,
  }) => {
    const [owner, newer] = [await startOpener(), await startOpener()];
    await owner.evaluate(async () => {
      await lab.openStore();
      await lab.openMachine('m');
    });
    await newer.evaluate(() => lab.convert(1000));
    const result = await owner.evaluate(async (specs) => {
      const failure = await lab.failure(() => lab.put('m', specs));
      return { failure, losses: lab.losses, again: await lab.failure(() => lab.openStore()) };
    }, specs(1));
    expect(result.losses).toEqual(['newer-page']);
    for (const failure of [result.failure, result.again]) {
      expect(failure).toMatchObject({ code: 'storage-newer' });
      expect(failure?.message).toContain('Reload this page');
    }
  });

  test('blocked by an older page, opening fails in time and says to close it', async ({
    startOpener,
  }) => {
    const [older, newer] = [await startOpener(), await startOpener()];
    await older.evaluate(() => lab.holdStubbornly(1));
    const failure = await newer.evaluate(() => lab.failure(() => lab.connect(2, 500)));
    expect(failure).toMatchObject({ code: 'storage-blocked' });
    expect(failure?.message).toContain('Close the other pages');
    // The one that gave up holds nothing: a later page gets in as soon as the older one is closed.
    await older.evaluate(() => lab.letGo());
    expect(await newer.evaluate(() => lab.failure(() => lab.connect(3, 10_000)))).toBeUndefined();
  });

  test('waiting behind a change that another page blocks, opening fails in time', async ({
    startOpener,
  }) => {
    const [stubborn, other, owner] = [
      await startOpener(),
      await startOpener(),
      await startOpener(),
    ];
    await stubborn.evaluate(() => lab.holdStubbornly());
    await other.evaluate(() => {
      lab.deleteDatabase();
    });
    const failure = await owner.evaluate(() =>
      lab.failure(() => lab.openStore({ openTimeoutMs: 500 })),
    );
    expect(failure).toMatchObject({ code: 'storage-blocked' });
    expect(failure?.message).toContain('Close the other pages');
    await stubborn.evaluate(() => lab.letGo());
    expect(await owner.evaluate(() => lab.failure(() => lab.openStore()))).toBeUndefined();
  });

  test('closed by its owner, it says so', async ({ startOpener }) => {
    const opener = await startOpener();
    const failure = await opener.evaluate(async () => {
      await lab.openStore();
      lab.store().close();
      return lab.failure(() => lab.store().machines());
    });
    expect(failure).toMatchObject({ code: 'storage-unavailable' });
  });

  test('its use and quota are told, and whether it is persistent', async ({ startOpener }) => {
    const opener = await startOpener();
    const usage = await opener.evaluate(async () => {
      await lab.openStore();
      return lab.store().usage();
    });
    expect(usage.quotaBytes).toBeGreaterThan(usage.usedBytes);
    expect(typeof usage.persisted).toBe('boolean');
  });
}

function crashes(test: TestType<ContractFixtures, object>): void {
  for (const write of writeNames) {
    test(`in a crash window of ${write} has been done as a whole or not at all`, async ({
      startOpener,
    }) => {
      const [opener, next] = [await startOpener(), await startOpener()];
      const { before, after } = await outcomes(opener, write);
      for (const stage of writeStages) {
        const reached = await opener.evaluate(
          async ({ write, window }) => {
            await lab.prepare();
            await lab.failure(() => lab.perform(write, { throwAt: window }));
            return lab.reached.includes(window);
          },
          { write, window: `${write}:${stage}` as const },
        );
        expect(reached, `${write}:${stage} was reached`).toBe(true);
        const found = await next.evaluate(readAfterCrash);
        expect(found, `after a failure at ${write}:${stage}`).toEqual({
          snapshot: stage === 'committed' ? after : before,
          orphans: 0,
        });
      }
    });
  }
}

/** What there is before and after a write that nothing disturbs. */
export function outcomes(opener: Opener, write: (typeof writeNames)[number]) {
  return opener.evaluate(async (write) => {
    await lab.prepare();
    if (write === 'upgrade') {
      await lab.deleteDatabase();
      await lab.openStore();
    }
    const before = await lab.snapshot();
    await lab.perform(write, {});
    return { before, after: await lab.snapshot() };
  }, write);
}

/** Runs in an opener that comes after a crash. */
export async function readAfterCrash() {
  await lab.openStore();
  const snapshot = await lab.snapshot();
  return { snapshot, orphans: await lab.orphansAfterOpening() };
}
