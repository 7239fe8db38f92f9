/** States that run before all of their memory has arrived: docs/spec/lazy-memory.md. */
import { prompt } from '../support/linux-guest.ts';
import { ShapedServer } from '../support/shaped-server.ts';
import {
  expect,
  type Guest,
  openGuest,
  Site,
  test,
} from '../support/test.ts';

/** 20 Mbit/s, 40 ms: a usual line. */
const line = { bitsPerSecond: 20e6, delayMs: 40 };
const noiseMiB = 24;

/** The state of a Linux guest with a file of noise in its memory, and the digest of that. */
let file: Buffer;
let digest: string;

test.beforeAll(async ({ browser, siteRoot }) => {
  const site = await Site.serve({ root: siteRoot });
  const context = await browser.newContext();
  const guest = await openGuest(context, `${site.url}?durable=off`);
  await guest.waitForSerial(prompt);
  await guest.run(`dd if=/dev/urandom of=/tmp/noise bs=1M count=${noiseMiB} 2>/dev/null`);
  digest = (await guest.run('sha256sum /tmp/noise')).output.slice(0, 64);
  const text = await guest.machine(async (machine) => {
    const blob = await new Response(machine.exportState()).blob();
    return new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      reader.readAsDataURL(blob);
    });
  });
  file = Buffer.from(text.replace(/^[^,]*,/, ''), 'base64');
  await context.close();
  await site.close();
});

let server: ShapedServer;
test.afterEach(() => server?.close());

async function openFrom(guest: Guest, url: string, runtime: unknown): Promise<void> {
  await guest.machine(
    (machine, given) =>
      machine.openState(given.url, {
        runtime: given.runtime as never,
        replace: true,
        approve: () => true,
      }),
    { url, runtime },
  );
}

const memoryOf = async (guest: Guest) => (await guest.status()).memory;

const allArrived = (guest: Guest) =>
  expect.poll(async () => await memoryOf(guest), { timeout: 60_000 }).toBeUndefined();

const soundNoise = async (guest: Guest) =>
  expect((await guest.run('sha256sum /tmp/noise', { timeout: 90_000 })).output).toContain(digest);

test('[LZ1] a guest runs long before its memory is there, and every page is right', async ({
  guest,
  runtimes,
}) => {
  server = await ShapedServer.serve(file, line);
  const began = performance.now();
  await openFrom(guest, server.url, runtimes.newer);
  console.log('opened', performance.now() - began, server.sentBytes, file.length, server.requests);
  expect((await guest.run('echo here')).output).toContain('here');
  console.log('echo', performance.now() - began, server.sentBytes, await memoryOf(guest));
  expect(server.sentBytes).toBeLessThan(file.length / 2);
  expect(await memoryOf(guest)).toMatchObject({ totalBytes: file.length });
  await soundNoise(guest);
  console.log('sha', performance.now() - began, server.sentBytes, await memoryOf(guest));
  await allArrived(guest);
  console.log('all', performance.now() - began);
  await soundNoise(guest);
});
