/** A keeper that hangs: pages report it in bounded time, and nothing gives its guest a second life. */
import { resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { bundleModule } from '../support/bundle.ts';
import { prompt } from '../support/linux-guest.ts';
import { putOtherKeeper } from '../support/other-keeper.ts';
import { test as base, expect, type Guest, openGuest } from '../support/test.ts';

type InPage = typeof import('../support/in-page.ts');

const test = base.extend<{ hanging: Guest }>({
  hanging: async ({ context, site }, use) => {
    await site.put('keeper.js', await bundleModule(resolve('e2e/support/hanging-keeper.ts')));
    const guest = await openGuest(context, site.url);
    await guest.waitForSerial(prompt);
    await guest.run('kept=here');
    await guest.machine((machine) => machine.checkpoint());
    await use(guest);
  },
});

/** The keeper's worker is in an endless loop from now on. */
const hang = ({ page }: Guest) =>
  page.evaluate(() => new BroadcastChannel('holdfast-hang').postMessage('now'));

const locks = (page: Page) =>
  page.evaluate(async () =>
    ((await navigator.locks.query()).held ?? []).map(({ name }) => name ?? ''),
  );

/** Another page of the site, without a machine of its own. */
async function blankPage({ page }: Guest, url: string): Promise<Page> {
  const blank = await page.context().newPage();
  await blank.goto(url);
  return blank;
}

test('[KL5] a page that looks for the machine of a keeper that hangs reports it, and leaves the guest alone', {
  tag: '@slow',
}, async ({ hanging, inPage, site, runtimes }) => {
  const page = await blankPage(hanging, await site.put('blank.html', '<!doctype html>'));
  await hang(hanging);
  const found = await page.evaluate(
    async ([url, runtime]) => {
      const { connect } = (await import(url)) as InPage;
      const codeOf = (call: Promise<unknown>) =>
        call.then(
          () => ({ code: 'none', message: '' }),
          ({ code, message }) => ({ code, message }),
        );
      const lookup = await codeOf(connect({ keeperUrl: 'keeper.js', silenceMs: 3_000 }));
      // A worker that only this page has could take what is stored.
      const own = await connect({ keeperUrl: 'keeper.js', host: 'dedicated' });
      const resumed = await codeOf(own.resumeStored('default', { runtime }));
      const takenOver = await codeOf(own.resumeStored('default', { runtime, takeOver: true }));
      own.close();
      return { lookup, codes: [resumed.code, takenOver.code] };
    },
    [inPage, runtimes.newer] as const,
  );
  expect(found.lookup.code).toBe('keeper-silent');
  expect(found.lookup.message).toContain('quit the browser');
  expect(found.codes).toEqual(['taken-over', 'busy']);
  expect((await locks(page)).filter((name) => name === 'holdfast-machine-default')).toHaveLength(1);
});

test('[KM6] an upgrade out of a keeper that hangs is given up, and the newer keeper ends', {
  tag: '@slow',
}, async ({ hanging, inPage, site }) => {
  const page = await blankPage(hanging, await site.put('blank.html', '<!doctype html>'));
  await page.evaluate(async (url) => {
    const { connect } = (await import(url)) as InPage;
    const machine = await connect({ keeperUrl: 'keeper.js', silenceMs: 3_000 });
    Object.assign(window, { machine });
  }, inPage);
  const workers = async () =>
    (await locks(page)).filter((name) => name.startsWith('holdfast-keeper-'));
  expect(await workers()).toHaveLength(1);
  await putOtherKeeper(site, 1);
  await hang(hanging);
  const code = await page.evaluate(() => {
    const { machine } = window as unknown as { machine: import('../../src/index.ts').Machine };
    return machine.upgradeKeeper().then(
      () => 'none',
      ({ code }) => code as string,
    );
  });
  expect(code).toBe('keeper-silent');
  // The worker of the newer keeper is gone, and with it all that could take the guest.
  await expect.poll(workers).toHaveLength(1);
});
