/** Guests that resume from storage after their keeper has ended. */
import { createHash } from 'node:crypto';
import type { Page } from '@playwright/test';
import { expectLittleLost } from '../support/checkpoint-loss.ts';
import { DiskServer, noise } from '../support/disk-server.ts';
import { prompt } from '../support/linux-guest.ts';
import { playground, selectors } from '../support/playground-page.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { Profile } from '../support/profile.ts';
import {
  test as base,
  expect,
  Guest,
  inspectPattern,
  openGuest,
  patternGuest,
  waitForPasses,
} from '../support/test.ts';

const test = base.extend<{ profile: Profile }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
  profile: async ({}, use) => {
    const profile = await Profile.make();
    await use(profile);
    await profile.delete();
  },
});

/** Opens the page in a browser with this profile. */
const openIn = async (profile: Profile, url: string) => openGuest(await profile.start(), url);

/** A loop in the guest that counts up in a file, also while other things happen. */
const countUp = 'n=0; while :; do n=$((n+1)); echo $n >/tmp/n; usleep 20000; done';
const count = async (guest: Guest) => Number((await guest.execute('cat /tmp/n')).stdout);
const startCounting = (guest: Guest) => guest.execute(`(${countUp}) >/dev/null 2>&1 &`);
const checkpoint = (guest: Guest) => guest.machine((machine) => machine.checkpoint());

test('a guest resumes after its browser was killed, and the page reports it', {
  tag: '@quick',
}, async ({ profile, site }) => {
  const before = await openIn(profile, site.url);
  await before.waitForSerial(prompt);
  await before.run('kept=here; mkdir /tmp/d; echo file >/tmp/d/f');
  const identity = async (guest: Guest) => ({
    id: (await guest.status()).config.id,
    mac: (await guest.execute('cat /sys/class/net/eth0/address')).stdout,
  });
  const was = await identity(before);
  expect(was.mac).toMatch(/^[0-9a-f:]{17}\n$/);
  await startCounting(before);
  await checkpoint(before);
  const counted = await count(before);
  await profile.kill();

  const after = await openIn(profile, site.url);
  expect((await after.run('echo $kept; cat /tmp/d/f')).output).toBe('here\nfile\n');
  await expect.poll(() => count(after)).toBeGreaterThan(counted);
  await expect(playground(after.page).state('found')).toContainText('resumed from a checkpoint');
  expect((await after.status()).startSource).toMatchObject({ kind: 'resumed' });
  // It is the same guest, not an equal one.
  expect(await identity(after)).toEqual(was);
  // The earlier console output is also present.
  expect(await after.serial.log()).toContain('kept=here');
});

test('a guest whose CD is away is saved, and resumes with it or without', {
  tag: '@slow',
}, async ({ profile, site, runtimes }) => {
  test.setTimeout(180_000);
  const server = await DiskServer.serve(noise(4 << 20));
  try {
    const before = await openIn(profile, site.url);
    await before.start(runtimes.newer, {
      cdrom: { url: server.url, load: 'range' },
      durable: true,
    });
    await before.waitForSerial(prompt);
    server.behave({ hold: true });
    const read = (skip: number) =>
      `dd if=/dev/sr0 bs=64k skip=${skip} count=4 2>/dev/null | sha256sum`;
    await before.run(`${read(20)} >/tmp/sum & reader=$!`);
    await expect.poll(() => server.held).toBeGreaterThan(0);
    await checkpoint(before);
    await profile.kill();

    const after = await openIn(profile, site.url);
    expect((await after.run('echo alive')).output).toBe('alive\n');
    const notices = playground(after.page).notices;
    await expect(notices).toContainText('The guest waits for its CD');
    await expect(notices).toContainText(server.url);
    server.behave({});
    await expect(notices).not.toContainText(server.url);
    const { output } = await after.run(`wait $reader; cat /tmp/sum; ${read(20)}`, {
      timeout: 60_000,
    });
    const [first, second] = output.trim().split('\n');
    expect(first).toBe(second);

    server.behave({ hold: true });
    await after.run(`${read(40)} >/tmp/sum & reader=$!`);
    await notices.getByRole('button', { name: 'Eject' }).click();
    await after.run('wait $reader', { timeout: 60_000 });
    await expect(notices).not.toContainText(server.url);
  } finally {
    await server.close();
  }
});

test('the clock of a resumed guest is right, and its random numbers are its own', async ({
  profile,
  site,
}) => {
  const before = await openIn(profile, site.url);
  await before.waitForSerial(prompt);
  await before.execute('date -s "2001-02-03 04:05:06"');
  await checkpoint(before);
  await profile.kill();

  const random: string[] = [];
  for (let life = 0; life < 2; life++) {
    const after = await openIn(profile, site.url);
    const clock = async () => Number((await after.execute('date +%s')).stdout);
    await expect.poll(async () => Math.abs((await clock()) - Date.now() / 1000)).toBeLessThan(5);
    random.push((await after.execute('head -c 16 /dev/urandom | base64')).stdout);
    // The page resumes the same checkpoint again: no newer one is kept.
    await after.machine((machine) => machine.setDurable(false));
    await profile.kill();
  }
  expect(random[0]).not.toBe(random[1]);
});

test('disk writes over a disk image outlive the browser, and the image is untouched', {
  tag: '@slow',
}, async ({ profile, site }) => {
  test.slow();
  const server = await DiskServer.serve(noise(1 << 20));
  try {
    const sumOf = async (guest: Guest) =>
      (await guest.execute('echo 3 >/proc/sys/vm/drop_caches; sha256sum </dev/sda')).stdout.slice(
        0,
        64,
      );
    const before = await openIn(profile, site.url);
    await before.waitForSerial(prompt);
    const [runtime] = await site.runtimes();
    if (!runtime) throw new Error('The build ships no runtime.');
    await before.start(runtime, { hda: { url: server.url, load: 'range' } });
    await before.waitForSerial(prompt, { timeout: 60_000 });
    await before.execute('echo written | dd of=/dev/sda bs=512 seek=7 conv=sync; sync');
    const written = Buffer.from(server.contents);
    written.fill(0, 7 * 512, 8 * 512).write('written\n', 7 * 512);
    const sum = createHash('sha256').update(written).digest('hex');
    expect(await sumOf(before)).toBe(sum);
    await checkpoint(before);
    await profile.kill();

    const after = await openIn(profile, site.url);
    expect(await sumOf(after)).toBe(sum);
    const exported = await after.machine(async (machine) => {
      const bytes = await new Response(machine.diskImage('hda')).arrayBuffer();
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    });
    expect(exported).toBe(sum);

    await after.machine(async (machine) => {
      await machine.pause();
      await machine.resetDisk('hda');
      await machine.resume();
    });
    expect(await sumOf(after)).toBe(server.sha256);
    await checkpoint(after);
    await profile.kill();
    expect(await sumOf(await openIn(profile, site.url))).toBe(server.sha256);
  } finally {
    await server.close();
  }
});

test("the pattern guest's memory is one consistent cut", async ({ profile, site, inPage }) => {
  const before = await openIn(profile, site.url + patternGuest.guestQuery);
  await before.waitForSerial(patternGuest.guestReady);
  await waitForPasses(before);
  await checkpoint(before);
  await waitForPasses(before, 1);
  await profile.kill();

  const after = await openIn(profile, site.url + patternGuest.guestQuery);
  await after.machine((machine) => machine.pause());
  expect(await inspectPattern(after, inPage)).toMatchObject({ ok: true });
  await after.machine((machine) => machine.resume());
  await waitForPasses(after);
});

test('the browser is asked to keep what is stored, once, when there is something', async ({
  page,
  site,
}) => {
  await page.addInitScript((savedSelector) => {
    const asked: boolean[] = [];
    Object.assign(window, { asked });
    const { persist } = StorageManager.prototype;
    StorageManager.prototype.persist = function () {
      asked.push(document.querySelector(savedSelector)?.textContent?.endsWith('ago') === true);
      return persist.call(this);
    };
  }, selectors.saved);
  const guest = await Guest.in(page);
  await guest.open(site.url);
  await guest.waitForSerial(prompt);
  for (let times = 0; times < 3; times++) await checkpoint(guest);
  await expect(playground(page).state('saved')).toHaveText(/ago$/);
  expect(await page.evaluate(() => (window as { asked?: boolean[] }).asked)).toEqual([true]);
});

test('checkpoints are switched off and on in the page, which says what that means', async ({
  guest,
  page,
  site,
}) => {
  await page.goto(site.url);
  await guest.waitForSerial(prompt);
  const state = () => guest.status().then(({ durability }) => durability?.state);
  await expect.poll(state).toBe('saved');
  const choose = async (item: string) => {
    await playground(page).choose(item);
  };
  await choose('Switch checkpoints off…');
  const dialog = page.getByRole('dialog', { name: 'Switch checkpoints off?' });
  await expect(dialog).toContainText('the guest comes back as it was at the last checkpoint');
  await dialog.getByRole('button', { name: 'Switch off' }).click();
  await expect.poll(state).toBe('off');
  const notice = playground(page).notices;
  await expect(notice).toContainText('Checkpoints are off');
  await expect(playground(page).state('saved')).toContainText('off since');
  await notice.getByRole('button', { name: 'Switch on' }).click();
  await expect.poll(state).toBe('saved');
  await expect(notice).not.toContainText('Checkpoints are off');
  await choose('Switch checkpoints off…');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect(await state()).toBe('saved');
});

test('?durable=off takes no checkpoints', async ({ guest, page, site }) => {
  await page.goto(`${site.url}?machine=two&durable=off`);
  await expect(playground(page).state('saved')).toHaveText('off');
  expect(
    await guest.machine(async (machine) => (await machine.storage.list()).map(({ id }) => id)),
  ).toEqual(['default']);
});

test.describe('in a worker of the page alone', () => {
  const reloadAndCount = async (guest: Guest) => {
    await expect.poll(() => count(guest)).toBeGreaterThan(0);
    const before = await count(guest);
    await guest.reloadPage();
    return { before, after: await count(guest) };
  };

  test.describe('isolated page', () => {
    test.use({ siteIsolated: true, guestQuery: '?host=dedicated' });

    test('a reload loses nothing, ten times in a row', { tag: '@slow' }, async ({ guest }) => {
      test.slow();
      await startCounting(guest);
      await guest.run('i=0');
      for (let round = 1; round <= 10; round++) {
        // Done when the shell answers: the next step is the reload.
        await guest.run('i=$((i+1))');
        const { before, after } = await reloadAndCount(guest);
        expect(after).toBeGreaterThanOrEqual(before);
        expect((await guest.run('echo $i')).output).toBe(`${round}\n`);
      }
      await expect(playground(guest.page).notices).toContainText('saved when this page closes');
    });
  });

  test.describe('page that is not isolated', () => {
    test.use({ guestQuery: '?host=dedicated' });

    test('a reload resumes from the last checkpoint, and the page says which', async ({
      guest,
    }) => {
      await guest.run('kept=here');
      await checkpoint(guest);
      await guest.reloadPage();
      expect((await guest.run('echo $kept')).output).toBe('here\n');
      await expect(playground(guest.page).notices).toContainText(
        'rewinds the guest to its last checkpoint',
      );
    });

    test('a reload loses at most what the guest did since the last checkpoint', {
      tag: '@slow',
    }, async ({ guest }) => {
      test.slow();
      await startCounting(guest);
      await expectLittleLost(guest.page, () => guest.reloadPage());
    });

    test('a second tab can take the machine over, and the first one reports it', async ({
      guest,
      context,
      site,
    }) => {
      await guest.run('kept=here');
      await checkpoint(guest);
      const second = await Guest.in(await context.newPage());
      await second.page.goto(`${site.url}?host=dedicated`);
      await second.page.getByRole('button', { name: 'Take over' }).click();
      await second.waitUntil(
        () => window.holdfast?.machine?.status?.runstate === 'running',
        'The second tab did not take over',
      );
      expect((await second.run('echo $kept')).output).toBe('here\n');
      await expect(playground(guest.page).notices).toContainText('runs in another tab');
    });
  });
});

declare const window: PlaygroundWindow;

test.describe('the setting for a guest in storage', () => {
  const choose = async (page: Page, choice: string) => {
    await page.getByRole('button', { name: 'Help and settings' }).click();
    await page
      .getByLabel('When this page is opened and a guest is in storage')
      .selectOption(choice);
    await page.keyboard.press('Escape');
  };
  const saved = async (profile: Profile, url: string, choice: string) => {
    const before = await openIn(profile, url);
    await before.waitForSerial(prompt);
    await before.run('kept=here');
    await choose(before.page, choice);
    await checkpoint(before);
    await profile.stop();
    const guest = await Guest.in(await (await profile.start()).newPage());
    await guest.page.goto(url);
    return guest;
  };

  test('ask: it resumes when its user confirms', async ({ profile, site }) => {
    const guest = await saved(profile, site.url, 'ask');
    await guest.page.getByRole('button', { name: 'Resume' }).click();
    await guest.waitUntil(
      () => window.holdfast?.machine?.status != null,
      'The guest did not come back',
    );
    expect((await guest.run('echo $kept')).output).toBe('here\n');
  });

  test('ask: a new guest replaces it only when its user confirms twice', async ({
    profile,
    site,
  }) => {
    const guest = await saved(profile, site.url, 'ask');
    const question = playground(guest.page).question;
    const fresh = playground(guest.page).notices.getByRole('button', { name: 'Start fresh…' });
    await fresh.click();
    await expect(question).toContainText(/The guest in storage, “.+”, saved .+ ago, is deleted/);
    await question.getByRole('button', { name: 'Cancel' }).click();
    expect(await guest.machine((machine) => machine.status)).toBeNull();
    // The page offers it as before.
    await fresh.click();
    await question.getByRole('button', { name: /discard/i }).click();
    await guest.waitForSerial(prompt);
    expect((await guest.run('echo "$kept"')).output).toBe('\n');
    await guest.page.getByRole('button', { name: 'Start fresh…' }).click();
    await expect(question).not.toContainText('in storage');
  });

  test('never: a new guest boots, and the stored one is left alone', async ({ profile, site }) => {
    const guest = await saved(profile, site.url, 'never');
    await guest.waitForSerial(prompt);
    await expect(playground(guest.page).state('saved')).toContainText('off');
    await choose(guest.page, 'auto');
    await profile.stop();
    const again = await openIn(profile, site.url);
    expect((await again.run('echo $kept')).output).toBe('here\n');
  });

  test('never: the stored one replaces the new one when its user confirms', async ({
    profile,
    site,
  }) => {
    const guest = await saved(profile, site.url, 'never');
    await guest.waitForSerial(prompt);
    await guest.page.getByRole('button', { name: 'Resume the stored one' }).click();
    await expect(playground(guest.page).state('found')).toContainText('resumed from a checkpoint');
    expect((await guest.run('echo $kept')).output).toBe('here\n');
  });
});
