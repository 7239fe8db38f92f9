/** Guests in the keepers of earlier releases, as those releases shipped them, move into today's keeper. */
import { goldenKeeper, goldenVersions } from '../support/golden-keepers.ts';
import { putOtherKeeper } from '../support/other-keeper.ts';
import { expect, test } from '../support/test.ts';

for (const version of goldenVersions())
  test(`a guest moves out of the keeper of release ${version} into today's`, async ({
    guest,
    site,
  }) => {
    await site.put('keeper.js', goldenKeeper(version));
    await guest.open(`${site.url}?machine=golden`);
    await guest.waitForSerial(/holdfast:~# /);
    await guest.run('kept=here; echo on the disk >/root/file');
    const before = await guest.machine(({ keeper }) => keeper.build);
    // Under another id: at first, today's keeper equals the one of the last release.
    await putOtherKeeper(site, 1);

    await guest.machine((machine) => machine.upgradeKeeper());
    expect(await guest.machine(({ keeper }) => keeper.build)).not.toBe(before);
    expect((await guest.run('echo $kept; cat /root/file')).output).toBe('here\non the disk\n');
    await guest.machine((machine) => machine.checkpoint());
    await guest.reloadPage();
    expect((await guest.run('echo $kept')).output).toBe('here\n');
  });
