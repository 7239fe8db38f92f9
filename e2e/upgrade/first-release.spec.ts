/** The keeper of release 0.1, which knows nothing of the lookup. */
import { firstRelease, goldenKeeper } from '../support/golden-keepers.ts';
import { playground } from '../support/playground-page.ts';
import { expect, test } from '../support/test.ts';

test('[KL7] a page of today finds and uses the keeper of release 0.1, and says that it cannot be moved', async ({
  guest,
  page,
  site,
}) => {
  const today = String(await site.read('keeper.js'));
  await site.put('keeper.js', goldenKeeper(firstRelease));
  await guest.open(`${site.url}?machine=first`);
  await guest.waitForSerial(/holdfast:~# /);
  await guest.run('kept=here');
  await site.put('keeper.js', today);
  await guest.reloadPage();
  expect((await guest.run('echo $kept')).output).toBe('here\n');
  expect(await guest.machine(({ keeper }) => keeper.build ?? null)).toBeNull();
  const refused = await guest.machine((machine) =>
    machine.upgradeKeeper().catch(({ code }) => code as string),
  );
  expect(refused).toBe('keeper-incompatible');
  await expect(page.getByRole('region', { name: 'Newer keeper' })).toBeHidden();
  await expect(playground(page).state('runstate')).toContainText('Running');
});
