/** cprSave in mode reboot: the whole machine goes to storage, and another keeper loads it. */
import type { CprTarget } from '../../src/index.ts';
import { expectSavedRunstate, load, loadFrom, runstateOf, save } from '../support/cpr.ts';
import { prompt } from '../support/linux-guest.ts';
import { expect, patternGuest, test } from '../support/test.ts';

test.describe('a machine that was started to wait', () => {
  test.use(patternGuest);

  test('is frozen in inmigrate, refuses other configurations, and takes the guest', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    const { config } = await guest.status();
    const saved = await save(guest, { mode: 'reboot' });
    const start = (memoryMiB: number) =>
      guest.machine(
        (machine, [asked, runtime]) =>
          machine.start(asked, runtime, { incoming: true, replace: true }),
        [{ ...config, memoryMiB }, runtimes.older] as const,
      );
    await start(64);
    expect(await runstateOf(guest)).toBe('inmigrate');
    const refused = load(guest, saved);
    await expect(refused).rejects.toMatchObject({ code: 'wrong-machine' });
    await expect(refused).rejects.toThrow(/memoryMiB is 32 in the state and 64 here/);
    await start(config.memoryMiB);
    await load(guest, saved);
    await expectSavedRunstate(guest, inPage, 'running');
    await guest.machine((machine) => machine.reset());
    await guest.waitForSerial(/pass 1\r/, { from: await guest.serial.end() });
  });
});

test('a Linux shell with its variables and files continues in another keeper', async ({
  guest,
  browser,
  runtimes,
}) => {
  await guest.run('kept="a shell variable"; echo file >/tmp/file');
  const before = await guest.run('cat /proc/sys/kernel/random/boot_id');
  const target: CprTarget = { kind: 'store', name: 'moves' };
  const saved = await save(guest, { mode: 'reboot', target });
  const keeperOf = () => guest.machine(({ keeper }) => keeper.instanceId);
  const keeper = await keeperOf();

  const devtools = await browser.newBrowserCDPSession();
  const { targetInfos } = await devtools.send('Target.getTargets');
  for (const { type, targetId } of targetInfos) {
    if (type === 'shared_worker') await devtools.send('Target.closeTarget', { targetId });
  }
  // Otherwise the page would resume the same checkpoint by itself, and take later ones.
  await guest.page.evaluate(() => localStorage.setItem('holdfast.resume', 'ask'));
  await guest.page.reload();
  await expect(guest.page.getByRole('button', { name: 'Resume', exact: true })).toBeVisible();
  expect(await keeperOf()).not.toBe(keeper);

  const loaded = await loadFrom(
    guest,
    { kind: 'store', name: 'moves' },
    { runtime: runtimes.older },
  );
  expect(loaded.machineId).toBe(saved.machineId);
  expect(loaded.v86Version).toBe(runtimes.older.v86Version);
  expect((await guest.run('echo "$kept"; cat /tmp/file')).output).toBe('a shell variable\nfile\n');
  const after = await guest.run('cat /proc/sys/kernel/random/boot_id');
  expect(after.output).toBe(before.output);

  // Its kernel is present for a reset, although nothing was booted in this keeper.
  const from = await guest.serial.end();
  await guest.machine((machine) => machine.reset());
  await guest.waitForSerial(prompt, { from, timeout: 60_000 });
  // Not through the shell, whose first prompt asks the terminal for its cursor meanwhile.
  expect(await guest.succeed('cat /proc/sys/kernel/random/boot_id')).not.toBe(before.output);
});

test('a disk goes with its guest through mode reboot, and another one is refused', async ({
  guest,
  runtimes,
}) => {
  const mebibyte = 1024 * 1024;
  const { config } = await guest.status();
  const startIncoming = (emptyBytes: number) =>
    guest.machine(
      (machine, [asked, runtime]) =>
        machine.start(asked, runtime, { replace: true, incoming: true }),
      [{ ...config, hda: { emptyBytes } }, runtimes.newer] as const,
    );
  await guest.start(runtimes.newer, { hda: { emptyBytes: 4 * mebibyte } });
  await guest.waitForSerial(prompt, { timeout: 60_000 });
  await guest.run('dd if=/dev/urandom of=/dev/sda bs=64k count=20 2>/dev/null; sync');
  const sum = 'echo 3 >/proc/sys/vm/drop_caches; sha256sum </dev/sda';
  const { output: written } = await guest.run(sum);
  const saved = await save(guest, { mode: 'reboot' });

  await startIncoming(8 * mebibyte);
  const refused = load(guest, saved);
  await expect(refused).rejects.toMatchObject({ code: 'wrong-disk' });
  await expect(refused).rejects.toThrow(/4194304/);
  await expect(refused).rejects.toThrow(/8388608/);
  expect(await runstateOf(guest)).toBe('inmigrate');

  await startIncoming(4 * mebibyte);
  await load(guest, saved, { runtime: runtimes.older });
  expect((await guest.run(sum)).output).toBe(written);
});
