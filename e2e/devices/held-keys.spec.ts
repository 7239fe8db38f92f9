/**
 * [K2] Keys are released in the guest when their page closes, or when the guest returns to an earlier
 * time.
 */

import { shownPrompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { shownScreen, waitForShown } from '../support/playground-view.ts';
import { Profile } from '../support/profile.ts';
import { expect, Guest, openGuest, test } from '../support/test.ts';

test.use({ guestQuery: '?boot=prompt' });

const shift = { down: [0x2a], up: [0xaa] };
const send = (guest: Guest, codes: number[]) =>
  guest.machine((machine, keys) => machine.scancodes(keys), codes);

/** Presses the key A alone, and returns the character that the guest's shell reads. */
async function letterOf(guest: Guest): Promise<string> {
  const before = (await shownScreen(guest)).trimEnd();
  await send(guest, [0x1e, 0x9e]);
  await expect.poll(async () => (await shownScreen(guest)).trimEnd()).not.toBe(before);
  return (await shownScreen(guest)).trimEnd().slice(-1);
}

async function holdShift(guest: Guest): Promise<void> {
  await playground(guest.page).screen.focus();
  await guest.page.keyboard.down('ShiftLeft');
  await expect.poll(() => letterOf(guest)).toBe('A');
}

test('[K2] a page that is reloaded, closed or left releases its keys', async ({
  guest,
  context,
  site,
}) => {
  await waitForShown(guest, shownPrompt);
  await holdShift(guest);
  await guest.reloadPage();
  await expect.poll(() => letterOf(guest)).toBe('a');

  await guest.page.keyboard.up('ShiftLeft');
  await holdShift(guest);
  const second = await openGuest(context, site.url);
  await guest.page.close();
  await expect.poll(() => letterOf(second)).toBe('a');

  await holdShift(second);
  await second.page.goto('about:blank');
  await second.open(site.url);
  await expect.poll(() => letterOf(second)).toBe('a');
});

test('[K2] a snapshot or a clone of a guest with Shift down is typed to without it', async ({
  guest,
  runtimes,
}) => {
  await waitForShown(guest, shownPrompt);
  await send(guest, shift.down);
  expect(await letterOf(guest)).toBe('A');
  const snapshot = await guest.snapshot();
  await send(guest, shift.up);
  await guest.restore(snapshot);
  expect(await letterOf(guest)).toBe('a');

  await send(guest, shift.down);
  expect(await letterOf(guest)).toBe('A');
  await guest.machine(async (machine, runtime) => {
    const state = await new Response(machine.exportState()).blob();
    await machine.openState(state, { runtime, replace: true });
  }, runtimes.newer);
  await waitForShown(guest, shownPrompt);
  expect(await letterOf(guest)).toBe('a');
});

test('[K2] after a kill the resumed guest has no key down', async ({ site }) => {
  const profile = await Profile.make();
  try {
    const open = async () => {
      const guest = await Guest.in(await (await profile.start()).newPage());
      await guest.open(`${site.url}?boot=prompt`);
      await waitForShown(guest, shownPrompt);
      return guest;
    };
    const before = await open();
    await send(before, shift.down);
    expect(await letterOf(before)).toBe('A');
    await before.checkpoint();
    await profile.kill();

    expect(await letterOf(await open())).toBe('a');
  } finally {
    await profile.delete();
  }
});
