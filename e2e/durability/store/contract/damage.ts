/** Records and manifests that are not what was written. */
import { expect } from '@playwright/test';
import { type ContractTest, specs } from './opener.ts';

export function damage(test: ContractTest): void {
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
        // Arrays, which can be changed in place.
        { kind, records: specs(1, 2, 3).map((spec) => ({ ...spec, sizeBytes: 240_000 })) },
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
          // As after a crash: what the first opener put is swept, as it has no owner.
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

  test('the generation that was read at the opening is not taken for one published later', async ({
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
