/** Machines that the address of the page describes. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { noise } from '../support/disk-server.ts';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { expect, Guest, Site, test } from '../support/test.ts';

test.describe('with the option names of v86', () => {
  test.use({
    guestReady: /pass \d+\r/,
    guestQuery:
      '?fda.url=guests/pattern/text.img&m=32&vram=1&boot_order=321&acpi=1&c=x&utm_source=y',
  });

  test('a machine boots from files of the site, as a machine of its own', async ({
    guest,
    site,
  }) => {
    await guest.waitForSerial(/pass \d+\r/);
    const { config } = await guest.status();
    expect(config).toMatchObject({
      name: 'text.img',
      memoryMiB: 32,
      vgaMemoryMiB: 1,
      acpi: true,
      fda: { url: site.urlOf('guests/pattern/text.img') },
    });
    expect(config.id).toMatch(/^link-[0-9a-f]{16}$/);
    await expect(playground(guest.page).notices.locator('bdi > code')).toHaveText('x');
    // The same address finds the same machine.
    await guest.reloadPage();
    expect((await guest.status()).config.id).toBe(config.id);
    await expect(playground(guest.page).state('found')).toContainText('attached');
  });
});

test('files of other origins are shown first, and fetched only when the user confirms', async ({
  page,
  site,
  siteRoot,
}) => {
  const other = await Site.serve({ root: siteRoot, isolated: true });
  const guest = await Guest.in(page);
  const file = other.urlOf('guests/pattern/text.img?<img src=x onerror=document.title=1>');
  await page.goto(`${site.url}?fda.url=${encodeURIComponent(file)}&m=32`);
  const dialog = playground(page).approval;
  await expect(dialog).toContainText(other.urlOf('guests/pattern/text.img'));
  await expect(dialog.locator('img[src]')).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(playground(page).notices).toContainText('Nothing was started');
  expect(other.requests).toEqual([]);
  await page.getByRole('button', { name: 'Try again' }).click();
  await dialog.getByRole('button', { name: 'Fetch and start' }).click();
  // A server that does not let the page have it: said in words.
  await expect(playground(page).notices).toContainText('could not be loaded');
  expect(other.requests.length).toBeGreaterThan(0);
  expect(await guest.machine((machine) => machine.status)).toBeNull();
  await other.close();
});

test('a relay of another origin is shown first, and connected to only when the user confirms', async ({
  page,
  site,
}) => {
  const relay = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(relay, 'listening');
  let connections = 0;
  relay.on('connection', () => connections++);
  const url = `ws://127.0.0.1:${(relay.address() as AddressInfo).port}/`;
  const guest = await Guest.in(page);
  const mac = '00:22:15:0a:0b:0c';
  await page.goto(
    `${site.url}?fda.url=guests/pattern/text.img&m=32&relay_url=${encodeURIComponent(url)}&mac=${mac}`,
  );
  const dialog = playground(page).approval;
  await expect(dialog).toContainText('starts a machine with a network');
  await expect(dialog).toContainText(url);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(playground(page).notices).toContainText('Nothing was started');
  expect(connections).toBe(0);
  await page.getByRole('button', { name: 'Try again' }).click();
  await dialog.getByRole('button', { name: 'Connect and start' }).click();
  await guest.waitForSerial(/pass \d+\r/);
  expect(await guest.machine((machine) => machine.infoNetwork())).toMatchObject({
    mac,
    backend: { kind: 'wsproxy', url },
  });
  expect(connections).toBe(1);
  await page.close();
  relay.close();
});

test('a guest has an empty disk, and one that is fetched in the parts that it was split into', async ({
  page,
  site,
}) => {
  const partBytes = 64 << 10;
  const contents = noise(3 * partBytes + 512);
  for (let at = 0; at < contents.length; at += partBytes)
    await site.put(`e2e/disk-${at}-${at + partBytes}.img`, contents.subarray(at, at + partBytes));
  const guest = await Guest.in(page, { site });
  await guest.open(
    `${site.url}?guest=linux&hda.empty=3M&hdb.url=e2e/disk.img&hdb.part_size=64K&hdb.size=${contents.length}`,
  );
  await guest.waitForSerial(prompt);
  const fetched = () => site.requests.filter((path) => path.includes('e2e/disk-'));
  expect(fetched().length).toBeLessThan(4);
  const { output } = await guest.run(
    'cat /sys/block/sda/size; sha256sum </dev/sda; sha256sum </dev/sdb; echo kept >/dev/sda; sync; head -n 1 /dev/sda',
  );
  const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const empty = new Uint8Array(3 << 20);
  expect(output.split('\n').map((line) => line.replace(/ .*/, ''))).toEqual([
    String(empty.length / 512),
    sum(empty),
    sum(contents),
    'kept',
    '',
  ]);
  expect(new Set(fetched()).size).toBe(4);
});

test('the files of an index are in the 9p share, and those of another origin are shown first', async ({
  page,
  site,
  siteRoot,
}) => {
  const other = await Site.serve({ root: siteRoot });
  const mode = 0o100644;
  const fsroot = [
    ['note', 5, 0, mode, 0, 0, 'note.bin'],
    ['dir', 0, 0, 0o040755, 0, 0, [['run.sh', 13, 0, mode, 0, 0, 'run.bin']]],
  ];
  await site.put('e2e/fs.json', JSON.stringify({ version: 3, size: 18, fsroot }));
  await site.put('e2e/flat/note.bin', 'text\n');
  await site.put('e2e/flat/run.bin', 'echo it runs\n');
  const address = (base: string) =>
    `${site.url}?filesystem.basefs=e2e/fs.json&filesystem.baseurl=${encodeURIComponent(base)}`;
  const guest = await Guest.in(page, { site });

  await page.goto(address(other.urlOf('e2e/flat')));
  const dialog = playground(page).approval;
  await expect(dialog).toContainText(other.urlOf('e2e/flat'));
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(playground(page).notices).toContainText('Nothing was started');
  expect([...other.requests, ...site.requests.filter((path) => path.startsWith('e2e'))]).toEqual(
    [],
  );
  // The file does not exist: reported before anything starts.
  await page.getByRole('button', { name: 'Try again' }).click();
  await dialog.getByRole('button', { name: 'Fetch and start' }).click();
  await expect(playground(page).notices).toContainText('is not available for the share');
  expect(await guest.machine((machine) => machine.status)).toBeNull();

  await guest.open(address('e2e/flat'));
  await guest.waitForSerial(prompt);
  await guest.succeed('until grep -q " /mnt 9p " /proc/mounts; do usleep 100000; done');
  expect(await guest.succeed('cat /mnt/note; sh /mnt/dir/run.sh')).toBe('text\nit runs\n');
  await other.close();
});

test.describe('with text to type', () => {
  const query = new URLSearchParams({ s: 'echo $((6*7))', c: 'echo typed >/tmp/t', m: '96' });
  test.use({
    guestQuery: `?${query}&cmdline=${encodeURIComponent('console=tty0 console=ttyS0,115200 quiet tsc=reliable tsc_early_khz=1000000 holdfast=1')}`,
  });

  test('it is typed once the guest is up', async ({ guest }) => {
    await guest.waitForSerial(/\n42\r/);
    await expect.poll(async () => (await guest.execute('cat /tmp/t')).stdout).toBe('typed\n');
    expect((await guest.execute('cat /proc/cmdline')).stdout).toContain('holdfast=1');
  });
});
