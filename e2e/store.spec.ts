/** Every promise of src/store/types.ts, in a real IndexedDB. */
import type { RecordSpec } from './store/lab.ts';
import { expect, test } from './store/test.ts';

const kib = 1024;
const specs = (...seeds: number[]): RecordSpec[] =>
  seeds.map((seed) => ({ seed, sizeBytes: 256 * kib }));

test('two generations are kept, newest first, and records that neither needs are deleted', async ({
  worker,
}) => {
  const result = await worker.evaluate(
    async ([first, second, third]) => {
      await lab.openStore();
      await lab.openMachine('m');
      const [a, b] = await lab.checkpoint('m', first);
      const [c] = await lab.put('m', [second[1]!]);
      await lab.publish('m', second, [a!, c!]);
      const two = { read: await lab.readBack('m'), keys: await lab.recordKeys(), ids: [a, b, c] };
      const [d] = await lab.put('m', [third[1]!]);
      await lab.publish('m', third, [c!, d!]);
      return {
        two,
        three: { read: await lab.readBack('m'), keys: await lab.recordKeys(), ids: [a, c, d] },
      };
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
});
