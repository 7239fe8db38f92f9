/** The database itself: deleted, wanted by a newer page, blocked by an older one. */
import { expect } from '@playwright/test';
import { type ContractTest, specs } from './opener.ts';

export function database(test: ContractTest): void {
  test('deleted by another page, it is made anew and the store still works', async ({
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

  test('wanted by a newer page, it is closed at once; later calls say to reload', async ({
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
    await older.evaluate(() => lab.closeStubborn());
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
    await stubborn.evaluate(() => lab.closeStubborn());
    expect(await owner.evaluate(() => lab.failure(() => lab.openStore()))).toBeUndefined();
  });

  test('closed by its owner, it reports that', async ({ startOpener }) => {
    const opener = await startOpener();
    const failure = await opener.evaluate(async () => {
      await lab.openStore();
      lab.store().close();
      return lab.failure(() => lab.store().machines());
    });
    expect(failure).toMatchObject({ code: 'storage-unavailable' });
  });

  test('its use and quota are reported, and whether it is persistent', async ({ startOpener }) => {
    const opener = await startOpener();
    const usage = await opener.evaluate(async () => {
      await lab.openStore();
      return lab.store().usage();
    });
    expect(usage.quotaBytes).toBeGreaterThan(usage.usedBytes);
    expect(typeof usage.persisted).toBe('boolean');
  });
}
