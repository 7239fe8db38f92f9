/** The running machine goes to another device, by a link. docs/spec/send.md */
import { playground } from '../support/playground-page.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import {
  accept,
  dialog,
  makeLink,
  openLink,
  press,
  type SendingFixtures,
  sendingFixtures,
} from '../support/sending.ts';
import { test as base, expect } from '../support/test.ts';

const test = base.extend<SendingFixtures>(sendingFixtures);
test.describe.configure({ timeout: 120_000 });

for (const [how, overRelay] of [
  ['over the relay', true],
  ['directly', false],
] as const)
  test(`[SD8] a running machine continues on another device, ${how}`, { tag: '@slow' }, async ({
    page,
    browser,
    sender,
  }) => {
    await sender.run('(i=0; while :; do i=$((i+1)); echo $i >/tmp/i; usleep 50000; done) &');
    const link = await makeLink(page);
    expect(link).toMatch(/#send=[0-9a-f]{32}\.[A-Za-z0-9_-]{43}$/);
    await expect(dialog(page).getByRole('img', { name: 'QR code' })).toBeVisible();
    await expect(dialog(page)).toContainText('Only a browser on this computer');
    const guest = await openLink(browser, link, { overRelay });
    const { page: other } = guest;
    await expect(dialog(page)).toContainText('Somebody has opened the link');
    await expect(other.getByRole('region', { name: 'Opening a state' })).toContainText(
      'Waiting for the other device to confirm',
    );
    await press(page, 'Send');
    await expect(playground(other).approval).toContainText('128 MiB');
    await accept(other);
    await expect(dialog(page)).toContainText('runs on the other device now');
    await expect(dialog(page)).toContainText(how);
    await press(page, 'Close');
    await expect(playground(page).notices).toContainText('This guest has moved');

    await guest.attached();
    expect((await guest.run('echo $kept')).output).toBe('here\n');
    const count = async () => Number((await guest.execute('cat /tmp/i')).stdout);
    const counted = await count();
    await expect.poll(count).toBeGreaterThan(counted);
    const { config } = await guest.status();
    expect([config.foreign, config.durable]).toEqual([true, true]);
    // Its address now names the machine, which a reload finds.
    expect(other.url()).toContain(`?machine=${config.id}`);
    await guest.reloadPage();
    expect((await guest.run('echo $kept')).output).toBe('here\n');
  });

test('[SD10] a clone runs on another device, and the machine runs on here', {
  tag: '@slow',
}, async ({ page, browser, sender }) => {
  const guest = await openLink(browser, await makeLink(page));
  const { page: other } = guest;
  await dialog(page).getByLabel('A clone').check();
  await press(page, 'Send');
  await expect(playground(other).approval).toContainText('It also runs on there');
  await accept(other);
  await expect(dialog(page)).toContainText('A clone runs on the other device');
  await press(page, 'Close');
  await guest.attached();
  expect((await guest.run('echo $kept')).output).toBe('here\n');
  expect((await sender.run('echo $kept')).output).toBe('here\n');
  expect((await guest.status()).config.mac).not.toBe((await sender.status()).config.mac);
});

test('[SD5] a link with another key gets nothing, and the sender is not asked', async ({
  page,
  browser,
  sender,
}) => {
  const link = await makeLink(page);
  const { page: other } = await openLink(browser, link.replace(/[^.]{5}$/, 'AAAAA'));
  await expect(playground(other).notices).toContainText('The other device has another key');
  await expect(dialog(page)).toContainText('The other device has another key');
  await expect(dialog(page)).toContainText('The guest is still here');
  // Another link can be made at once.
  await press(page, 'Make a new link');
  await expect(dialog(page).getByLabel('Link', { exact: true })).not.toHaveValue(link);
  await page.keyboard.press('Escape');
  expect((await sender.run('echo $kept')).output).toBe('here\n');
});

test('[SD6] [SD11] either side may say no or cancel', async ({ page, browser, sender }) => {
  const { page: declined } = await openLink(browser, await makeLink(page));
  await press(page, 'Do not send');
  await expect(playground(declined).notices).toContainText('that was declined');
  await press(page, 'Close');

  const { page: refusing } = await openLink(browser, await makeLink(page));
  await press(page, 'Send');
  await playground(refusing).approval.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog(page)).toContainText('was not accepted');
  await press(page, 'Close');

  const { page: leaving } = await openLink(browser, await makeLink(page));
  await expect(dialog(page)).toContainText('Somebody has opened the link');
  await leaving.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog(page)).toContainText('cancelled');
  await press(page, 'Close');

  const { page: left } = await openLink(browser, await makeLink(page));
  await press(page, 'Send');
  await expect(playground(left).approval).toBeVisible();
  await press(page, 'Cancel');
  await expect(playground(left).notices).toContainText('cancelled');
  await expect(playground(left).anyDialog).toHaveCount(0);
  expect((await sender.run('echo $kept')).output).toBe('here\n');
});

test('[SD12] a line that breaks while memory is sent leaves the guest here', async ({
  page,
  browser,
  sender,
}) => {
  const link = await makeLink(page);
  const context = await browser.newContext();
  const other = await context.newPage();
  await other.addInitScript(() => Reflect.deleteProperty(window, 'RTCPeerConnection'));
  await other.routeWebSocket(/\/states\/rooms\//, (socket) => {
    const relay = socket.connectToServer();
    let bytes = 0;
    relay.onMessage((message) => {
      bytes += message.length;
      if (bytes < 2_000_000) socket.send(message);
      else void relay.close();
    });
  });
  await other.goto(link);
  await press(page, 'Send');
  await accept(other);
  await expect(dialog(page)).toContainText('The guest is still here');
  await press(page, 'Close');
  await expect(playground(other).notices).toContainText('could not be moved');
  expect((await sender.run('echo $kept')).output).toBe('here\n');
  expect(
    await other.evaluate(() => (window as PlaygroundWindow).holdfast?.machine?.status ?? null),
  ).toBe(null);
});

test('[SD1] what goes to the server has no key, and its log cannot have one', async ({
  page,
  browser,
  sender,
}) => {
  const link = await makeLink(page);
  const [, key = ''] = link.split('.').slice(-2);
  const context = await browser.newContext();
  const other = await context.newPage();
  const asked: string[] = [];
  other.on('request', (request) => asked.push(request.url()));
  other.on('websocket', (socket) => asked.push(socket.url()));
  await other.goto(link);
  await expect(dialog(page)).toContainText('Somebody has opened the link');
  expect(asked.some((url) => /\/states\/rooms\/[0-9a-f]{32}$/.test(url))).toBe(true);
  expect(asked.filter((url) => url.replace(/#.*/, '').includes(key.slice(0, 20)))).toEqual([]);
  await press(page, 'Do not send');
  expect((await sender.run('echo $kept')).output).toBe('here\n');
});

test('a guest that waits after its dialog was closed is named in a notice', async ({
  page,
  browser,
  sender,
}) => {
  // An answer that does not come, after the dialog was closed.
  await sender.machine(async (machine) => {
    const error = await machine.migrateContinue().catch((thrown: Error) => thrown);
    Object.assign(error as Error, { code: 'migration-unconfirmed', message: 'No word of it.' });
    const asked = new Promise((_, reject) =>
      addEventListener('no-answer', () => reject(error), { once: true }),
    );
    Object.assign(machine, { migrate: () => asked });
  });
  const { page: other } = await openLink(browser, await makeLink(page));
  await press(page, 'Send');
  await accept(other);
  await expect(dialog(page)).toContainText('Sending the machine');
  await page.keyboard.press('Escape');
  await expect(playground(page).anyDialog).toHaveCount(0);
  await page.evaluate(() => dispatchEvent(new Event('no-answer')));
  await expect(playground(page).notices).toContainText('does not say whether the guest runs there');
  await expect(playground(page).notices.getByRole('button', { name: /Resume/ })).toBeVisible();
});

test('the dialog fits a phone', async ({ page, sender }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  await makeLink(page);
  const code = dialog(page).getByRole('img', { name: 'QR code' });
  await expect(code).toBeVisible();
  const box = await dialog(page).evaluate(({ scrollWidth, clientWidth }) => [
    scrollWidth,
    clientWidth,
  ]);
  expect(box[0]).toBe(box[1]);
  await page.keyboard.press('Escape');
  expect((await sender.run('echo $kept')).output).toBe('here\n');
});

test('a static host sends no machines, and says why', async ({ guest, page }) => {
  await guest.run('kept=here');
  await page.getByRole('button', { name: 'Share…' }).click();
  const share = playground(page).shareDialog;
  await expect(share.locator('input[value="send"]')).toBeDisabled();
  await expect(share).toContainText('This site has no state server');
});
