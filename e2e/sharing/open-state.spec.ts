/**
 * States that cannot be opened, each with a separate message; and the approvals that a state may
 * request.
 */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import type { ExportStateOptions } from '../../src/index.ts';
import { linkWithState } from '../../src/playground/share/link.ts';
import { DiskServer, noise } from '../support/disk-server.ts';
import { playground } from '../support/playground-page.ts';
import { expect, Guest, openGuest, patternGuest, test, waitForPasses } from '../support/test.ts';

test.describe.configure({ timeout: 120_000 });

const notices = (page: Page) => playground(page).notices;
const approval = (page: Page) => playground(page).approval;
const agree = (page: Page) => playground(page).ok(approval(page)).click();

/** Exports the machine of a page as a state file. */
async function exportState(guest: Guest, options: ExportStateOptions = {}): Promise<Buffer> {
  const text = await guest.machine(async (machine, wanted) => {
    const file = await new Response(machine.exportState(wanted)).blob();
    return new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      reader.readAsDataURL(file);
    });
  }, options);
  return Buffer.from(text.replace(/^[^,]*,/, ''), 'base64');
}

/** A server of another origin. */
async function serve(listener: RequestListener) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    listener(request, response);
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test.describe('beside a guest that runs', () => {
  test.use(patternGuest);

  test('a state that cannot be opened is reported, and the guest is not affected', async ({
    guest,
    page,
    site,
  }) => {
    await waitForPasses(guest, 1);
    const state = await exportState(guest);
    const whole = await site.put('whole.holdfast', state);
    const flipped = Buffer.from(state);
    const middle = state.length >> 1;
    flipped[middle] = (flipped[middle] ?? 0) ^ 1;
    const held = await serve((_, response) => {
      response.setHeader('access-control-allow-origin', '*');
      response.writeHead(200, { 'content-length': state.length });
      response.write(state.subarray(0, middle));
    });
    const closed = await serve((_, response) => response.end(state));

    const open = (url: string) =>
      page.goto(`${site.url}?machine=default&state=${encodeURIComponent(url)}`);
    const expectLeftAlone = async (message: string | RegExp) => {
      await expect(notices(page)).toContainText(message);
      await guest.attached();
      await waitForPasses(guest, 1);
    };

    for (const [name, contents, message] of [
      ['cut.holdfast', state.subarray(0, middle), 'is cut off'],
      ['flipped.holdfast', flipped, 'not a state file that can be opened'],
      ['longer.holdfast', Buffer.concat([state, Buffer.alloc(10)]), 'has bytes after its end'],
      ['noise.holdfast', Buffer.alloc(100_000, 'x'), 'not a state file that can be opened'],
    ] as const) {
      await open(await site.put(name, contents));
      // States with a valid head are asked about, with the head's contents.
      const wrong = notices(page).getByText(message);
      await expect(approval(page).or(wrong).first()).toBeVisible();
      if (await approval(page).isVisible()) await agree(page);
      await expectLeftAlone(message);
    }

    await open(site.urlOf('nothing.holdfast'));
    await expectLeftAlone('has expired or was deleted');

    await open(`${closed.url}a.holdfast`);
    await expect(approval(page)).toContainText(closed.url);
    expect(closed.requests).toEqual([]);
    await agree(page);
    await expectLeftAlone('does not allow other sites to read it');

    await open(`${held.url}slow.holdfast`);
    await agree(page);
    await expect(approval(page)).toContainText('is discarded');
    await agree(page);
    await expect(playground(page).opening).toContainText(/[\d.]+ \S+ of [\d.]+ \S+/);
    await playground(page).opening.getByRole('button', { name: 'Cancel' }).click();
    await expectLeftAlone('It was cancelled');

    // The guest remains if the user declines.
    await open(whole);
    await approval(page).getByRole('button', { name: 'Cancel' }).click();
    await expectLeftAlone('left as it is');
    expect((await guest.status()).startSource?.kind).not.toBe('opened');

    // A state that builds on another state needs that one, unchanged.
    await open(whole);
    await agree(page);
    await page.waitForURL(site.url);
    const change = await exportState(guest, { base: 'opened-from' });
    await site.put('whole.holdfast', await exportState(guest));
    await open(await site.put('change.holdfast', change));
    await agree(page);
    await expectLeftAlone('no longer published');
    await expect(notices(page)).toContainText('to share the machine again');
    await page.goto(linkWithState(change, site.url).replace('#', '?machine=default#'));
    await agree(page);
    await expectLeftAlone('no longer published');
    await site.remove('whole.holdfast');
    await open(site.urlOf('change.holdfast'));
    await agree(page);
    await expectLeftAlone('holds only what differs');
    held.close();
    closed.close();
  });
});

test.describe('with two pages', () => {
  test.use(patternGuest);

  test('a page that is closed in the middle of an opening blocks no later one', async ({
    guest,
    page,
    context,
    site,
    runtimes,
  }) => {
    const state = await exportState(guest);
    const middle = state.length >> 1;
    const held = await serve((_, response) => {
      response.setHeader('access-control-allow-origin', '*');
      response.writeHead(200, { 'content-length': state.length });
      response.write(state.subarray(0, middle));
    });
    const other = await openGuest(context, site.url);
    await other.attached();

    await guest.machine(
      (machine, [url, runtime, wanted]) =>
        new Promise<void>((resolve, fail) => {
          const onProgress = ({ loadedBytes = 0 }) => loadedBytes >= wanted && resolve();
          machine.openState(url, { runtime, replace: true, onProgress }).catch(fail);
        }),
      [`${held.url}held.holdfast`, runtimes.newer, middle] as const,
    );
    await page.close();
    const whole = await site.put('whole.holdfast', state);
    await other.machine(
      (machine, [url, runtime]) => machine.openState(url, { runtime, replace: true }),
      [whole, runtimes.newer] as const,
    );
    await waitForPasses(other, 1);
    held.close();
  });
});

test('files that a state would fetch from elsewhere are shown, and not fetched without a yes', async ({
  guest,
  runtimes,
  browser,
  site,
}) => {
  const disk = await DiskServer.serve(noise(65_536));
  await guest.machine(
    (machine, [runtime, url]) => {
      if (!machine.status) throw new Error('There is no machine.');
      const { bzImage, initrd, cmdline, ...bare } = machine.status.config;
      const hda = { url, load: 'range' as const, sizeBytes: 65_536 };
      return machine.start({ ...bare, memoryMiB: 16, hda }, runtime, { replace: true });
    },
    [runtimes.newer, `${disk.url}?<script>alert(1)</script>`] as const,
  );
  const file = await site.put('disk.holdfast', await exportState(guest, { title: '<b>bold</b>' }));
  const seen = disk.requests.length;

  const page = await (await browser.newContext()).newPage();
  const other = await Guest.in(page);
  await page.goto(`${site.url}?state=${encodeURIComponent(file)}`);
  await expect(approval(page)).toContainText(disk.url);
  await expect(approval(page)).toContainText('<b>bold</b>');
  expect(await approval(page).locator('script, b').count()).toBe(0);
  await approval(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(notices(page)).toContainText('not approved');
  expect(disk.requests).toHaveLength(seen);

  await page.getByRole('button', { name: 'Try again' }).click();
  await agree(page);
  await other.attached();
  expect((await other.status()).config.hda).toMatchObject({ load: 'range' });
  await disk.close();
});

test('a network that a state comes with is shown, and not connected to without a yes', async ({
  guest,
  runtimes,
  browser,
  site,
}) => {
  await guest.machine((machine, runtime) => {
    if (!machine.status) throw new Error('There is no machine.');
    const { bzImage, initrd, cmdline, ...bare } = machine.status.config;
    const networkBackend = { kind: 'fetch' } as const;
    return machine.start({ ...bare, memoryMiB: 16, networkBackend }, runtime, { replace: true });
  }, runtimes.newer);
  const file = await site.put('network.holdfast', await exportState(guest, {}));

  const page = await (await browser.newContext()).newPage();
  const other = await Guest.in(page);
  await page.goto(`${site.url}?state=${encodeURIComponent(file)}`);
  await expect(approval(page)).toContainText('web servers');
  await approval(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(notices(page)).toContainText('not approved');
  expect(await other.machine((machine) => machine.status)).toBeNull();
  await page.getByRole('button', { name: 'Try again' }).click();
  await agree(page);
  await other.attached();
  expect((await other.status()).config.networkBackend).toEqual({ kind: 'fetch' });
});
