import type { Browser } from '@playwright/test';
import { prompt, shownPrompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { expect, Guest, test } from '../support/test.ts';

/** Ends the worker of a site's keeper, as a browser short of memory does. */
async function endKeeper(browser: Browser, siteUrl: string): Promise<void> {
  const devtools = await browser.newBrowserCDPSession();
  const { targetInfos } = await devtools.send('Target.getTargets');
  // Workers of earlier tests may still exist: they outlive their pages.
  const workers = targetInfos.filter(
    ({ type, url }) => type === 'shared_worker' && url.startsWith(siteUrl),
  );
  expect(workers).toHaveLength(1);
  for (const { targetId } of workers) await devtools.send('Target.closeTarget', { targetId });
}

const keeperId = (guest: Guest) => guest.machine(({ keeper }) => keeper.instanceId);

test('when the keeper is gone, pending calls fail and the page reconnects when asked', async ({
  guest,
  browser,
  runtimes,
  site,
}) => {
  const { page } = guest;
  const before = await keeperId(guest);
  const url = await site.put('endless/runtime.js', 'await new Promise(() => {});');
  const pending = guest.liveUpdate({ ...runtimes.older, id: 'endless', url });
  const rejected = expect(pending).rejects.toMatchObject({ code: 'keeper-gone' });
  // The script is being fetched: the call has reached the keeper.
  await expect.poll(() => site.requests).toContain('endless/runtime.js');
  await endKeeper(browser, site.url);
  await rejected;

  const notice = page.getByRole('alert');
  await expect(notice).toContainText('The worker that held the guest is gone');
  await expect(notice).toContainText('keeper-gone');
  await notice.getByRole('button', { name: 'Reconnect' }).click();
  await expect(notice).toBeHidden();
  await guest.waitUntil(
    () => (window as PlaygroundWindow).holdfast?.machine != null,
    'The page did not reconnect',
  );
  expect(await keeperId(guest)).not.toBe(before);
  await guest.reloadPage();
  await guest.waitForSerial(prompt);
  expect((await guest.run('echo up again')).output).toBe('up again\n');
});

test('a silent keeper is told apart from one that is gone', async ({ guest, runtimes, site }) => {
  const url = await site.put('stuck/runtime.js', 'for (;;);');
  await expect(guest.liveUpdate({ ...runtimes.older, id: 'stuck', url })).rejects.toMatchObject({
    code: 'keeper-silent',
  });
  const notice = guest.page.getByRole('alert');
  await expect(notice).toContainText('does not answer');
  await expect(notice.getByRole('button', { name: 'Reconnect' })).toBeVisible();
});

test.describe('where no worker outlives its page', () => {
  test.use({ guestQuery: '?host=dedicated&durable=off' });

  test('a guest that is not saved runs, can be updated, and the page says that a reload ends it', async ({
    guest,
    runtimes,
  }) => {
    const { page } = guest;
    await expect(playground(page).notices).toContainText('Closing this page ends the guest');
    expect(await guest.machine((machine) => machine.survivesReload)).toBe(false);
    await guest.run('kept=here');
    await guest.liveUpdate(runtimes.older);
    expect((await guest.run('echo $kept')).output).toBe('here\n');
    await guest.waitForText(shownPrompt);

    const before = await keeperId(guest);
    await guest.reloadPage();
    expect(await keeperId(guest)).not.toBe(before);
    await guest.waitForSerial(prompt);
    expect((await guest.run('echo "[$kept]"')).output).toBe('[]\n');
  });
});

test('a browser without extended lifetimes gets a dedicated worker, and the page reports it', async ({
  page,
  site,
}) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, 'SharedWorker'));
  const guest = await Guest.in(page);
  await guest.open(site.url);
  await guest.waitForSerial(prompt);
  await expect(playground(page).notices).toContainText(
    'This browser has no worker that outlives its pages',
  );
  await expect(playground(page).notices).toContainText('rewinds the guest to its last checkpoint');
  expect((await guest.run('echo runs')).output).toBe('runs\n');
});
