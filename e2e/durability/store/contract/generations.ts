/** Retention of a machine's generations. */
import { expect } from '@playwright/test';
import { type ContractTest, specs } from './opener.ts';

export function generations(test: ContractTest): void {
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
