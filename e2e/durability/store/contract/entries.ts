/** Entries: named states, beside the machines. */
import { expect } from '@playwright/test';
import type { ContractTest } from './opener.ts';

export function entries(test: ContractTest): void {
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
