import { playground } from '../support/playground-page.ts';
import {
  shownScreen,
  shownTerminal,
  typeOnScreen,
  waitForShown,
} from '../support/playground-view.ts';
import { expect, type Guest, openGuest, test } from '../support/test.ts';

const pages = (guest: Guest) => guest.machine((machine) => machine.status?.pages);

test('two pages show one guest, both can type, and either may close', async ({
  guest,
  context,
  site,
}) => {
  const second = await openGuest(context, site.url);
  await expect.poll(() => pages(guest)).toBe(2);
  expect(await second.machine(({ keeper }) => keeper.instanceId)).toBe(
    await guest.machine(({ keeper }) => keeper.instanceId),
  );

  expect((await guest.run('shared=yes; echo typed in the first page')).exitCode).toBe(0);
  expect((await second.run('echo "typed in the second page: $shared"')).output).toBe(
    'typed in the second page: yes\n',
  );
  await typeOnScreen(second, 'echo typed on the screen of the second page\n');
  for (const each of [guest, second]) {
    await waitForShown(each, /^typed on the screen of the second page$/m);
    await each.waitForSerial(/typed in the second page: yes/);
  }
  expect(await second.serial.log()).toBe(await guest.serial.log());
  expect(await shownScreen(second)).toBe(await shownScreen(guest));
  await expect.poll(() => shownTerminal(second)).toBe(await shownTerminal(guest));

  await guest.page.close();
  await expect.poll(() => pages(second)).toBe(1);
  expect((await second.run('echo "$shared"')).output).toBe('yes\n');
  await expect(playground(second.page).state('pages')).toHaveText('1');
});

test('an update that one page makes is seen by the other', { tag: '@quick' }, async ({
  guest,
  context,
  runtimes,
  site,
}) => {
  const second = await openGuest(context, site.url);
  await guest.liveUpdate(runtimes.older);
  const emulator = playground(second.page).state('emulator');
  await expect(emulator).toContainText(runtimes.older.v86Version);
  await expect(playground(second.page).state('restarts')).toHaveText('1');
  expect((await second.run('echo here')).output).toBe('here\n');
});
