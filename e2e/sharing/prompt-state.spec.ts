/** The state at the prompt that the playground starts from instead of a boot. */
import { linkStateBytes } from '../../src/playground/share/link.ts';
import { prompt } from '../support/linux-guest.ts';
import { expect, Guest, openGuest, test } from '../support/test.ts';

test.use({ guestQuery: '?boot=prompt' });

test('the page starts at a prompt that answers, as a machine of its own with the right time', async ({
  guest,
  site,
  context,
}) => {
  expect((await guest.status()).startSource).toMatchObject({ kind: 'opened', identity: 'clone' });
  expect((await guest.run('echo $((6 * 7))')).output.trim()).toBe('42');
  const skewS = async () =>
    Math.abs(Number((await guest.run('date +%s')).output) - Date.now() / 1000);
  await expect.poll(skewS).toBeLessThan(3);

  const other = await openGuest(context, `${site.url}?boot=prompt&machine=two`);
  await other.waitForSerial(prompt);
  const ids = await Promise.all([guest, other].map(async (g) => (await g.status()).config.id));
  expect(new Set(ids).size).toBe(2);
  const mac = (g: Guest) => g.run('cat /sys/class/net/eth0/address');
  const macOf = async (g: Guest) => (await mac(g)).output.trim();
  await expect.poll(async () => (await macOf(guest)) !== (await macOf(other))).toBe(true);
});

test('a first visit has its prompt without waiting for the page, a later one its guest', async ({
  page,
  site,
}) => {
  const guest = await Guest.in(page);
  await guest.open(`${site.url}?boot=prompt`);
  await guest.waitForSerial(prompt);
  // The page's own way begins with this file.
  const asked = () =>
    page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  expect(await asked()).not.toContain(site.urlOf('guests/linux/guest.json'));
  // Compared with its digest here, while the keeper started.
  const { runtimeId } = await guest.status();
  expect(await asked()).toContain(site.urlOf(`runtimes/${runtimeId}/runtime.js`));
  expect((await guest.run('x=kept; echo $((6 * 7))')).output.trim()).toBe('42');
  await guest.reloadPage();
  expect((await guest.run('echo $x')).output.trim()).toBe('kept');
});

test('the page asks for few files before its guest runs', async ({ page, site }) => {
  const html = await (await page.request.get(site.url)).text();
  const links = [...html.matchAll(/<(?:script|link)\b[^>]*\b(?:src|href)="\.\/([^"]+)"/g)];
  const files = links.map(([, path = '']) => path.replace(/-[\w-]{8}\./, '.'));
  expect(files).toEqual([
    'favicon.svg',
    'assets/preload.js',
    'assets/index.js',
    'assets/base.js',
    'assets/index.css',
    'assets/app.js',
    'assets/src.js',
  ]);
});

test('a page that is left while its guest is being opened blocks no later opening', async ({
  page,
  site,
}) => {
  const guest = await Guest.in(page);
  await page.goto(`${site.url}?boot=prompt`, { waitUntil: 'commit' });
  await page.goto(`${site.url}?boot=prompt`, { waitUntil: 'commit' });
  await guest.open(`${site.url}?boot=prompt`);
  await guest.waitForSerial(prompt);
  expect((await guest.status()).startSource).toMatchObject({ kind: 'opened' });
});

test('the state at the prompt is opened by each runtime that ships, and handed on', async ({
  page,
  site,
  runtimes,
}) => {
  const guest = await Guest.in(page);
  await guest.open(`${site.url}?boot=prompt&runtime=${runtimes.older.v86Version}`);
  await guest.waitForSerial(prompt);
  expect((await guest.status()).startSource).toMatchObject({ kind: 'opened' });
  expect((await guest.status()).v86Version).toBe(runtimes.older.v86Version);
  expect((await guest.run('echo it $((1 + 1))')).output.trim()).toBe('it 2');
  await guest.liveUpdate(runtimes.newer);
  expect((await guest.run('echo it $((1 + 2))')).output.trim()).toBe('it 3');
});

test('without that state the guest boots', { tag: '@quick' }, async ({ page, site }) => {
  await site.remove('guests/linux/prompt.holdfast');
  const guest = await Guest.in(page);
  await guest.open(`${site.url}?boot=prompt`);
  await guest.waitForSerial(prompt);
  expect((await guest.status()).startSource).toEqual({ kind: 'booted' });
});

test('a guest that was opened at its prompt fetches its kernel when it is reset', async ({
  guest,
  site,
}) => {
  expect(site.requests).not.toContain('guests/linux/bzImage');
  const from = await guest.serial.end();
  await guest.machine((machine) => machine.reset());
  await guest.waitForSerial(/BusyBox[\s\S]*holdfast:~# /, { from });
  expect((await guest.run('echo up')).output.trim()).toBe('up');
  expect(site.requests).toContain('guests/linux/bzImage');
});

test('a small change is a small file on that state, and is there in another browser', {
  tag: '@quick',
}, async ({ guest, site, browser, runtimes }) => {
  await guest.run('echo hello > /root/x');
  const base64 = await guest.machine(async (machine) => {
    const stream = machine.exportState({ base: 'opened-from', title: 'A small change' });
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  });
  const file = Buffer.from(base64, 'base64');
  // `bench -- state-file` measures the exact size, which depends on the guest's kernel.
  expect(file.length).toBeLessThan(linkStateBytes);
  await site.put('small.holdfast', file);

  const context = await browser.newContext();
  const other = await openGuest(context, `${site.url}?guest=pattern-text&m=32`);
  await other.waitForSerial(/pass \d+\r/);
  await other.machine(
    (machine, { url, runtime }) => machine.openState(url, { runtime, replace: true }),
    { url: site.urlOf('small.holdfast'), runtime: runtimes.newer },
  );
  expect((await other.run('cat /root/x')).output).toBe('hello\n');

  // Its base is another state by now.
  await site.put('guests/linux/prompt.holdfast', file);
  const again = other.machine(
    (machine, { url, runtime }) => machine.openState(url, { runtime, replace: true }),
    { url: site.urlOf('small.holdfast'), runtime: runtimes.newer },
  );
  await expect(again).rejects.toMatchObject({ code: 'wrong-base' });
  expect((await other.run('cat /root/x')).output).toBe('hello\n');
  await context.close();
});
