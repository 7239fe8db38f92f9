/** Contents of records. */
import { expect } from '@playwright/test';
import { type ContractTest, specs } from './opener.ts';

export function records(test: ContractTest): void {
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

  test('large records are kept as Blobs, and are read in order among small ones', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(async () => {
      await lab.openStore();
      await lab.openMachine('m');
      // More than is read ahead.
      const sizes = [1000, 4 << 20, 240_000, 600 << 10, 300_000, ...Array(8).fill(4 << 20), 1002];
      const specs = sizes.map((sizeBytes, seed) => ({ seed, sizeBytes }));
      const ids = await lab.checkpoint('m', specs);
      const rows = (await lab.raw(['records'], (transaction) =>
        transaction.objectStore('records').getAll(),
      )) as { bytes: unknown }[];
      const isBlob = rows.slice(0, 5).map(({ bytes }) => bytes instanceof Blob);
      const isFirefox = navigator.userAgent.includes('Firefox');
      const read = (await lab.readBack('m'))[0]?.records.length;
      return { isBlob, isFirefox, read, written: ids.length };
    });
    // Chromium alone commits before it has the bytes of such an array.
    const isMiddlingBlob = !result.isFirefox;
    expect(result).toMatchObject({
      isBlob: [false, true, false, true, isMiddlingBlob],
      read: 14,
      written: 14,
    });
  });

  test('a database of version 1 takes large records, and a store of that version finds out that it is older', async ({
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

  test('a reader that stops half-way leaves nothing open', async ({ startOpener }) => {
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

  test('a held record is written by the transaction of its generation, or never', async ({
    startOpener,
  }) => {
    const opener = await startOpener();
    const result = await opener.evaluate(
      async ([first, second]) => {
        await lab.openStore();
        await lab.openMachine('m');
        const abandoned = await lab.hold('m', second);
        const held = await lab.hold('m', second);
        const before = await lab.recordKeys();
        await lab.machine('m').abandon(abandoned);
        const published = await lab.checkpoint('m', [], first);
        const windows = lab.reached.filter((window) => window.endsWith('committed'));
        const read = await lab.readBack('m');
        const left = await lab.recordKeys();
        await lab.publish('m', second, held);
        const [later] = await lab.readBack('m');
        const refused = await lab.failure(() => lab.publish('m', second, abandoned));
        return { before, windows, read, left, published, later, refused };
      },
      [specs(1, 2), specs(3)] as const,
    );
    expect(result.before).toEqual([]);
    expect(result.windows).toEqual([
      'upgrade:committed',
      'open:committed',
      'abandon:committed',
      'publish:committed',
    ]);
    expect(result.read).toEqual([{ number: 1, records: specs(1, 2) }]);
    expect(result.left).toEqual(result.published);
    expect(result.later?.records).toEqual(specs(3));
    expect(result.refused?.code).toBe('internal');
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

  test('no id is used twice, also after a record or a machine is gone', async ({ startOpener }) => {
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
