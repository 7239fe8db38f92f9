import { playground } from '../support/playground-page.ts';
import { expect, type Guest, patternGuest, test, waitForPasses } from '../support/test.ts';

test.use(patternGuest);

/**
 * Turns paging on with the page directory at 1 GiB, where this guest has no memory. Hardware reads
 * ones there; v86 reads past the end of its memory and traps.
 */
const killsTheRuntime = [
  ...[0xb8, 0x00, 0x00, 0x00, 0x40], // mov eax, 0x40000000
  ...[0x0f, 0x22, 0xd8], // mov cr3, eax
  ...[0x0f, 0x20, 0xc0], // mov eax, cr0
  ...[0x0d, 0x00, 0x00, 0x00, 0x80], // or eax, 0x80000000
  ...[0x0f, 0x22, 0xc0], // mov cr0, eax
  ...[0xeb, 0xfe], // jmp $
];

/** Puts it in the place of what the guest does at its next tick. */
const killRuntime = (guest: Guest) =>
  guest.machine(async (machine, code) => {
    // The pattern guest's interrupt table stands at 0x2000; the timer has vector 0x20.
    const gate = new DataView((await machine.readMemory(0x2000 + 0x20 * 8, 8)).buffer);
    const handler = gate.getUint16(0, true) | (gate.getUint16(6, true) << 16);
    await machine.writeMemory(handler, Uint8Array.from(code));
  }, killsTheRuntime);

test('a guest that kills the runtime ends in a report, and a new one can be started', async ({
  guest,
}) => {
  const { page } = guest;
  await killRuntime(guest);

  const notice = page.getByRole('alert');
  await expect(notice).toContainText('The emulator crashed while it ran the guest');
  // One sentence; details for a report are folded.
  const details = notice.getByText(/wasm/);
  await expect(details).toBeHidden();
  await notice.getByText('Details for a report').click();
  await expect(details).toBeVisible();
  await expect(notice.getByRole('button', { name: 'Copy' })).toBeVisible();
  await expect(notice).toContainText('guest-crashed');
  await expect(playground(page).state('runstate')).toHaveText(/crash|error/i);
  const { runstate, crash, v86Version } = await guest.status();
  expect(runstate).toBe('internal-error');
  expect(crash).toContain(`v86 ${v86Version}`);
  // The report contains the location in the emulator.
  expect(crash).toMatch(/wasm/);
  expect(await guest.serial.log()).toMatch(/pass \d+/);
  await expect(guest.machine((machine) => machine.resume())).rejects.toMatchObject({
    code: 'bad-runstate',
  });

  // A page that is opened now shows the notice, too.
  await guest.reloadPage();
  await expect(notice).toContainText('The emulator crashed while it ran the guest');

  await notice.getByRole('button', { name: /start fresh/i }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /discard/i })
    .click();
  await expect.poll(async () => (await guest.status()).runstate).toBe('running');
  await waitForPasses(guest);
  await expect(notice).toBeHidden();
});

test('a live update of a guest that crashed is refused', async ({ guest, runtimes }) => {
  await killRuntime(guest);
  await expect.poll(async () => (await guest.status()).runstate).toBe('internal-error');
  await expect(guest.liveUpdate(runtimes.older)).rejects.toMatchObject({ code: 'bad-runstate' });
});
