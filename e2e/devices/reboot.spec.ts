import { powerBootSector } from '../../tools/guests/power/boot-sector.ts';
import { promptAfterBoot, shownPrompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { expect, type Guest, test } from '../support/test.ts';

/** Waits for the shell's greeting after a boot; an earlier prompt does not count. */
async function bootsAnew(guest: Guest, reboot: () => Promise<unknown>): Promise<void> {
  const before = await guest.status();
  const from = await guest.serial.end();
  await reboot();
  await guest.waitForSerial(promptAfterBoot, { from });
  const { bootedAtMs, restarts, runtimeId, runstate } = await guest.status();
  expect(bootedAtMs).toBeGreaterThan(before.bootedAtMs);
  expect({ restarts, runtimeId, runstate }).toEqual({
    restarts: before.restarts,
    runtimeId: before.runtimeId,
    runstate: 'running',
  });
}

for (const [from, to] of [
  ['newer', 'older'],
  ['older', 'newer'],
] as const) {
  test(`a guest that was updated to the ${to} emulator can reboot and be reset`, async ({
    guest,
    runtimes,
  }) => {
    // Booted by the newer one: one update leads to the older one, two lead back.
    if (from === 'older') await guest.liveUpdate(runtimes.older);
    await guest.liveUpdate(runtimes[to]);
    const { restarts } = await guest.status();
    expect(restarts).toBe(from === 'older' ? 2 : 1);
    await guest.run('echo lost >/tmp/file');

    await bootsAnew(guest, () => guest.serial.write('reboot -f\n'));
    expect((await guest.run('cat /tmp/file')).exitCode).toBe(1);
    // The guest's clock began anew, too.
    const uptime = await guest.run('cut -d. -f1 /proc/uptime');
    const sinceBootMs = Date.now() - (await guest.status()).bootedAtMs;
    expect(1000 * Number(uptime.output)).toBeLessThan(sinceBootMs + 1000);

    await bootsAnew(guest, () => guest.machine((machine) => machine.reset()));
    await guest.waitForText(shownPrompt);
    expect((await guest.run('echo up again')).output).toBe('up again\n');
    expect((await guest.status()).restarts).toBe(restarts);
  });
}

test('a guest that powers itself down is off, not idle, and a reset boots it again', async ({
  guest,
}) => {
  await guest.serial.write('poweroff\n');
  await expect.poll(async () => (await guest.status()).runstate).toBe('shutdown');
  await expect(playground(guest.page).state('runstate')).toHaveText('Off');
  const notice = playground(guest.page).notice.filter({ hasText: 'The guest powered itself down' });
  const from = await guest.serial.end();
  await notice.getByRole('button', { name: 'Reset' }).click();
  await guest.waitForSerial(promptAfterBoot, { from });
  expect((await guest.status()).runstate).toBe('running');
  await expect(notice).toHaveCount(0);
});

test('a guest that listens to its power button turns itself off when it is pressed', async ({
  guest,
  inPage,
  runtimes,
}) => {
  const bootSector = [...Buffer.from(powerBootSector, 'base64')];
  await guest.machine(
    async (machine, [url, code, runtime]) => {
      const { machineConfig } = await import(url);
      const fda = new Uint8Array(1440 * 1024);
      fda.set(code);
      fda.set([0x55, 0xaa], 510);
      const options = { fda, acpi: true, memoryMiB: 16, network: 'none', filesystem9p: false };
      const firmware = { bios: 'firmware/seabios.bin', vgaBios: 'firmware/vgabios.bin' };
      await machine.start(await machineConfig(options, firmware), runtime, { replace: true });
    },
    [inPage, bootSector, runtimes.newer] as const,
  );
  await guest.waitForSerial(/^R/);
  await guest.liveUpdate(runtimes.older);
  await guest.machine((machine) => machine.systemPowerdown());
  await guest.waitForSerial(/^RP/);
  await expect.poll(async () => (await guest.status()).runstate).toBe('shutdown');
});
