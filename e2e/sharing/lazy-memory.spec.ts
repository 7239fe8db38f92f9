/** States that run before all of their memory has arrived: docs/spec/lazy-memory.md. */
import type { Browser } from '@playwright/test';
import { exportedFile, noiseState } from '../support/noise-state.ts';
import { playground } from '../support/playground-page.ts';
import { ShapedServer } from '../support/shaped-server.ts';
import { expect, type Guest, test } from '../support/test.ts';

/** Slow, so that a busy computer still answers long before all is there. */
const line = { bitsPerSecond: 4e6, delayMs: 40 };
test.describe.configure({ timeout: 400_000 });

let file: Buffer;
let digest: string;

test.beforeAll(async ({ browser, siteRoot }) => {
  ({ file, digest } = await noiseState(browser, siteRoot));
});

/** Ends the workers that guests live in, as a crash does. */
async function endWorkers(browser: Browser): Promise<void> {
  const devtools = await browser.newBrowserCDPSession();
  const { targetInfos } = await devtools.send('Target.getTargets');
  for (const { targetId, type } of targetInfos)
    if (type === 'shared_worker') await devtools.send('Target.closeTarget', { targetId });
  await devtools.detach();
}

let server: ShapedServer;
test.afterEach(() => server?.close());

/** Opens the state in place of the page's guest, under its id. */
async function openFrom(guest: Guest, url: string, runtime: unknown): Promise<void> {
  const { id } = (await guest.status()).config;
  await guest.machine(
    (machine, given) =>
      machine.openState(given.url, {
        runtime: given.runtime as never,
        replace: true,
        config: { id: given.id as string, durable: true },
        approve: () => true,
      }),
    { url, runtime, id },
  );
}

const memoryOf = async (guest: Guest) => (await guest.status()).memory;

const allArrived = (guest: Guest) =>
  expect.poll(async () => await memoryOf(guest), { timeout: 60_000 }).toBeUndefined();

const soundNoise = async (guest: Guest) =>
  expect((await guest.run('sha256sum /tmp/noise', { timeout: 120_000 })).output).toContain(digest);

/** Opens the state. When a part of it is there, nothing more comes. */
async function openPart(guest: Guest, runtime: unknown): Promise<void> {
  server = await ShapedServer.serve(file, { bitsPerSecond: 40e6 });
  await openFrom(guest, server.url, runtime);
  await guest.run('colour=red', { timeout: 60_000 });
  await expect.poll(() => server.sentBytes).toBeGreaterThan(file.length / 4);
  server.shape({ mostBytes: 0 });
  expect(await memoryOf(guest)).toMatchObject({ totalBytes: file.length });
}

test('[LZ2] a guest runs long before its memory is there, and every page is right', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  server = await ShapedServer.serve(file, line);
  await openFrom(guest, server.url, runtimes.newer);
  expect(server.sentBytes).toBeLessThan(file.length / 4);
  expect((await guest.run('echo here', { timeout: 60_000 })).output).toContain('here');
  expect(await memoryOf(guest)).toMatchObject({ totalBytes: file.length });
  await expect(playground(guest.page).page.getByText(/still arriving: .* of /)).toBeVisible();
  await soundNoise(guest);
  await allArrived(guest);
  await soundNoise(guest);
});

for (const { what, change, code, notice } of [
  {
    what: 'whose server fails',
    change: { status: 503 },
    code: 'state-unavailable',
    notice: 'does not answer',
  },
  {
    what: 'whose file is another one now',
    change: { etag: '"2"' },
    code: 'state-changed',
    notice: 'another one now',
  },
]) {
  test(`[LZ5] a guest ${what} waits with a notice, and continues when the file is back`, {
    tag: '@slow',
  }, async ({ guest, runtimes }) => {
    await openPart(guest, runtimes.newer);
    server.shape({ ...change, mostBytes: undefined });
    const sound = soundNoise(guest);
    await expect
      .poll(async () => guest.status(), { timeout: 60_000 })
      .toMatchObject({ runstate: 'postcopy-paused', memory: { error: { code } } });
    await expect(playground(guest.page).notices).toContainText(notice);
    server.shape({ status: undefined, etag: '"1"' });
    await sound;
    await expect(playground(guest.page).notices).not.toContainText(notice);
    await allArrived(guest);
  });
}

test('[LZ5] other bytes behind the same ETag are never seen by the guest', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  await openPart(guest, runtimes.newer);
  server.contents = file.map((byte) => byte ^ 0x55);
  server.shape({ mostBytes: undefined });
  const sound = soundNoise(guest);
  await expect
    .poll(async () => guest.status(), { timeout: 60_000 })
    .toMatchObject({ runstate: 'postcopy-paused', memory: { error: { code: 'bad-state-file' } } });
  server.contents = file;
  await sound;
});

test('[LZ8] a guest whose worker is killed while it loads resumes, and continues to load', {
  tag: '@slow',
}, async ({ guest, runtimes, site, browser }) => {
  await openPart(guest, runtimes.newer);
  await guest.checkpoint();
  await endWorkers(browser);
  const before = server.sentBytes;
  await guest.open(site.url);
  expect(await memoryOf(guest)).toMatchObject({ totalBytes: file.length });
  server.shape({ mostBytes: undefined });
  expect((await guest.run('echo $colour')).output).toContain('red');
  await soundNoise(guest);
  await allArrived(guest);
  expect(server.sentBytes - before).toBeLessThan(file.length * 0.8);
});

test('[LZ10] a live update and a reload change nothing for a guest that loads', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  await openPart(guest, runtimes.newer);
  await guest.liveUpdate(runtimes.older);
  await guest.reloadPage();
  expect(await memoryOf(guest)).toMatchObject({ totalBytes: file.length });
  server.shape({ mostBytes: undefined });
  await soundNoise(guest);
  await guest.liveUpdate(runtimes.newer);
  await allArrived(guest);
  await soundNoise(guest);
});

test('[LZ9] a state that is written while its guest loads is whole', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  await openPart(guest, runtimes.newer);
  const written = exportedFile(guest);
  server.shape({ mostBytes: undefined });
  const again = await written;
  expect(again.length).toBeGreaterThan(file.length * 0.9);
  await server.close();
  server = await ShapedServer.serve(again);
  await openFrom(guest, server.url, runtimes.newer);
  await soundNoise(guest);
});
