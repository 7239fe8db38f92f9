/** A second tab watches a machine that runs in a worker of the first tab only. */
import type { BrowserContext, Page } from '@playwright/test';
import { machinesChannel } from '../../src/protocol/watch.ts';
import { playground } from '../support/playground-page.ts';
import { shownTerminal, typeOnScreen, waitForShown } from '../support/playground-view.ts';
import { expect, Guest, type Site, test } from '../support/test.ts';

test.use({ guestQuery: '?host=dedicated' });

const notices = (page: Page) => playground(page).notices;
const checkpoint = (guest: Guest) => guest.machine((machine) => machine.checkpoint());
const elsewhere = 'This machine runs in another tab';
const shows = (guest: Guest, text: string) =>
  expect.poll(() => shownTerminal(guest), { timeout: 20_000 }).toContain(text);
const wentOn = (guest: Guest) =>
  expect(playground(guest.page).state('found')).toContainText('resumed', { timeout: 30_000 });

async function watchGuest(context: BrowserContext, site: Site): Promise<Guest> {
  const second = await Guest.in(await context.newPage());
  await second.page.goto(`${site.url}?host=dedicated`);
  await expect(notices(second.page)).toContainText(elsewhere);
  return second;
}

test('it shows the terminal and the screen as they change, and cannot touch the guest', async ({
  guest,
  context,
  site,
}) => {
  await guest.run('echo on-the-screen >/dev/tty1; echo said-$((6*7))');
  const second = await watchGuest(context, site);
  const { page } = second;
  await shows(second, 'said-42');
  await waitForShown(second, /on-the-screen/);
  await expect(playground(page).state('runstate')).toHaveText('Running');
  await expect(playground(page).state('found')).toHaveText('watches a guest in another tab');
  await expect(playground(guest.page).state('pages')).toHaveText('2');
  for (const name of ['Pause', 'Reset…', 'Start fresh…', /^Live update/])
    await expect(page.getByRole('button', { name })).toBeDisabled();

  // Typed text is ignored here. The first tab's output is shown here.
  await playground(page).terminalInput.focus();
  await page.keyboard.type('echo from-the-second\n');
  await typeOnScreen(second, 'x');
  await guest.run('echo later-$((6*7)); echo later >/dev/tty1');
  await shows(second, 'later-42');
  await waitForShown(second, /later/);
  expect(await guest.serial.log()).not.toContain('from-the-second');
  await guest.machine((machine) => machine.pause());
  await expect(playground(page).state('runstate')).toHaveText('Paused');

  await page.close();
  await expect(playground(guest.page).state('pages')).toHaveText('1');
});

test('it still shows a machine whose tab is reloaded', async ({ guest, context, site }) => {
  const second = await watchGuest(context, site);
  await checkpoint(guest);
  await guest.reloadPage();
  await guest.run('echo after-$((6*7))');
  await shows(second, 'after-42');
  await expect(notices(second.page)).toContainText(elsewhere);
});

test('when the first tab is closed the machine continues in the second', async ({
  guest,
  context,
  site,
}) => {
  await guest.run('kept=here');
  await checkpoint(guest);
  const second = await watchGuest(context, site);
  await guest.page.close();
  await expect(notices(second.page)).toContainText('The tab that ran this machine was closed');
  await notices(second.page).getByRole('button', { name: 'Resume here' }).click();
  await wentOn(second);
  expect((await second.run('echo $kept')).output).toBe('here\n');
  await expect(notices(second.page)).not.toContainText('was closed');
});

test('it takes the machine over, and the first tab watches from then on', async ({
  guest,
  context,
  site,
}) => {
  await guest.run('kept=here');
  const second = await watchGuest(context, site);
  await notices(second.page).getByRole('button', { name: 'Take over' }).click();
  await wentOn(second);
  // The first tab saved this before it released the machine.
  expect((await second.run('echo $kept; echo now-$((6*7))')).output).toBe('here\nnow-42\n');
  await expect(notices(guest.page)).toContainText(elsewhere);
  await shows(guest, 'now-42');
});

test('it opens a copy, which goes its own way', async ({ guest, context, site }) => {
  await guest.run('kept=here');
  await checkpoint(guest);
  const second = await watchGuest(context, site);
  await notices(second.page).getByRole('button', { name: 'Open a copy' }).click();
  await second.page.waitForURL(/\?machine=[0-9a-f]+$/);
  await wentOn(second);
  expect((await second.run('echo $kept; kept=copy')).output).toBe('here\n');
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('a page does not take the worker of the page before, which is about to end, for another tab', async ({
  guest,
  context,
  site,
}) => {
  await checkpoint(guest);
  const other = await context.newPage();
  await other.goto(site.urlOf('favicon.svg'));
  // Stands for that worker: the lock is only released after the new page has requested it.
  await guest.page.goto('about:blank');
  const worker = await other.evaluateHandle(
    ({ lock, channel }) =>
      new Promise<{ release: () => void; received: string[] }>((holds) => {
        const received: string[] = [];
        new BroadcastChannel(channel).onmessage = ({ data }) => received.push(data.type);
        void navigator.locks.request(
          lock,
          () => new Promise<void>((release) => holds({ release, received })),
        );
      }),
    { lock: 'holdfast-machine-default', channel: machinesChannel },
  );
  const asked = () =>
    other.evaluate(async () => (await navigator.locks.query()).pending?.length ?? 0);
  const opening = guest.page.goto(`${site.url}?host=dedicated`);
  await expect.poll(asked, { intervals: [10] }).toBeGreaterThan(0);
  await worker.evaluate(({ release }) => release());
  await opening;
  await wentOn(guest);
  // "watch" would be from a page that watches a machine of another tab.
  expect(await worker.evaluate(({ received }) => received)).toEqual(['there']);
});
