/** The list of machines, their copies, and their end. */
import { expect } from '@playwright/test';
import { type ContractTest, specs } from './opener.ts';

export function machines(test: ContractTest): void {
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
    expect(list[0]?.sizeBytes).toBe(2 * 256 * 1024 + manifestBytes);
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
