/** A large guest is streamed: its page and its keeper hold at most a few MiB of it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rendererGrowthMiB } from '../support/renderer-memory.ts';
import { expect, openGuest, test, waitForPasses } from '../support/test.ts';

const guestMiB = 256;
/**
 * Memory for compression (some 30 MiB), the group in progress, and garbage that is not collected
 * yet.
 */
const roomMiB = 120;

test('a guest of 256 MiB is exported and opened in little more memory than its own', {
  tag: '@slow',
}, async ({ browser, site, runtimes }) => {
  test.skip(process.platform !== 'linux', 'Only Linux says what a process has resident.');
  test.setTimeout(180_000);
  const chunks: Buffer[] = [];
  const server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (request.method === 'POST') {
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => response.end());
    } else response.end(Buffer.concat(chunks));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`;

  const context = await browser.newContext();
  const guest = await openGuest(
    context,
    `${site.url}?guest=pattern-text&m=${guestMiB}&durable=off`,
  );
  await waitForPasses(guest, 1);
  const exported = guest.machine(async (machine, to) => {
    const reader = machine.exportState().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      await fetch(to, { method: 'POST', body: value as Uint8Array<ArrayBuffer> });
    }
  }, url);
  expect(await rendererGrowthMiB(browser, exported)).toBeLessThan(roomMiB);
  const passes = Number((await guest.waitForSerial(/pass (\d+)\r[^\r]*$/))[1]);
  await context.close();

  const elsewhere = await browser.newContext();
  const other = await openGuest(elsewhere, `${site.url}?guest=pattern-text&m=16&durable=off`);
  await waitForPasses(other, 1);
  const opened = other.machine(
    (machine, given) =>
      machine.openState(given.url, { runtime: given.runtime, replace: true, approve: () => true }),
    { url, runtime: runtimes.newer },
  );
  expect(await rendererGrowthMiB(browser, opened)).toBeLessThan(guestMiB + roomMiB);
  const [, next] = await other.waitForSerial(/pass (\d+)\r/, { from: 0, timeout: 60_000 });
  expect(Number(next)).toBeLessThanOrEqual(passes + 1);
  expect((await other.status()).config.memoryMiB).toBe(guestMiB);
  await elsewhere.close();
  server.close();
});
