/** Several openers of one machine. */
import { expect } from '@playwright/test';
import { type ContractTest, specs } from './opener.ts';

export function openers(test: ContractTest): void {
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
      // The opener that has it continues with it.
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
