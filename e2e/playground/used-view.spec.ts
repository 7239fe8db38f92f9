/** The page shows the view that a guest uses. */
import { saveState } from '../../src/packages/playwright/guest-state.ts';
import { playground } from '../support/playground-page.ts';
import { expect, Guest, test } from '../support/test.ts';

/** Switches to 320 x 200 pixels, and prints nothing. */
const graphicsOnly = Buffer.alloc(1_474_560);
graphicsOnly.set([
  ...[0xb8, 0x13, 0x00], // mov ax, 0x13
  ...[0xcd, 0x10], // int 0x10
  ...[0xfb, 0xf4, 0xeb, 0xfd], // sti; hlt; jmp to hlt
]);
graphicsOnly.set([0x55, 0xaa], 510);

test('a guest that only has a screen gets the window and the keyboard, also from a state file', async ({
  page,
  site,
}, testInfo) => {
  await site.put('silent.img', graphicsOnly);
  const guest = await Guest.in(page, { site });
  await guest.open(`${site.url}?fda.url=silent.img&durable=off&m=16`);

  const terminal = playground(page).terminalPane;
  const screen = playground(page).screen;
  const bar = playground(page).starting;
  await expect(terminal).toBeHidden();
  await expect(screen).toBeFocused();
  await expect(bar).toBeHidden();
  const both = await playground(page).panes.boundingBox();
  const whole = await playground(page).screenPane.boundingBox();
  expect(whole?.width).toBeCloseTo(both?.width ?? 0, 0);

  await page.getByRole('button', { name: 'Terminal', exact: true }).click();
  await expect(terminal).toBeVisible();

  const path = testInfo.outputPath('silent.holdfast');
  await saveState(page, path);
  await guest.openPage(`${site.url}?state=${encodeURIComponent(await site.share(path))}`);
  await expect(playground(page).state('runstate')).toHaveText('Running');
  await expect(bar).toBeHidden();
  await expect(terminal).toBeHidden();
  await expect(screen).toBeFocused();
});

test('a guest that speaks on its serial console has both, and the keyboard in the terminal', async ({
  page,
  site,
}) => {
  const guest = await Guest.in(page, { site });
  await guest.open(`${site.url}?guest=pattern-graphics&m=32&durable=off`);
  await guest.waitForSerial(/pass \d+/);
  await expect(playground(page).screenPane).toContainText('graphics');
  await expect(playground(page).terminalPane).toBeVisible();
  await expect(playground(page).screenPane).toBeVisible();
  await expect(playground(page).starting).toBeHidden();
});
