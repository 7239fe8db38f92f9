/** Moves of the demo guest between two browser profiles, over a relay behind a shaped line. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from '@playwright/test';
import type { SendReport } from '../../../src/client/send/send-machine.ts';
import { readOptions } from '../../../src/server/options.ts';
import { createStateServer } from '../../../src/server/state-server.ts';
import { openOurs, waitForOurPrompt } from './browser.ts';
import { type Line, shapedLine } from './shaped-line.ts';
import type { BenchSite } from './site.ts';

/** The sender's line. */
export const wan: Line = { bitsPerSecond: 20_000_000, roundTripMs: 40 };

/** @returns a report of each move, there and back in turn */
export async function measureWanMoves(
  browser: Browser,
  site: BenchSite,
  count: number,
): Promise<SendReport[]> {
  const relay = await startRelay();
  const line = await shapedLine(relay.port, wan);
  const near = await openOurs(browser, site, {});
  await waitForOurPrompt(near);
  site.add('receiver.html', 'text/html', '<!doctype html><title>Receiver</title>');
  const context = await browser.newContext();
  const far = await context.newPage();
  far.on('pageerror', (error) => console.error(`[receiver] ${error.message}`));
  await far.addInitScript({ content: site.ourScript });
  await far.goto(`${site.url}bench/receiver.html`);
  // The receiver's line is not shaped. So both devices are one such round trip apart.
  const shaped = `http://localhost:${line.port}/states/`;
  const plain = `http://localhost:${relay.port}/states/`;
  const reports: SendReport[] = [];
  let [from, to] = [near, far];
  for (let i = 0; i < count; i++) {
    const link = await from.evaluate((url) => window.ours.sending.send(url), shaped);
    await Promise.all([
      to.evaluate(([link, url, runtimes]) => window.ours.sending.receive(link, url, runtimes), [
        link,
        plain,
        site.runtimes,
      ] as const),
      from.evaluate(() => window.ours.sending.sent()).then((report) => reports.push(report)),
    ]);
    [from, to] = [to, from];
  }
  await Promise.all([near.context().close(), context.close()]);
  await line.close();
  await relay.close();
  return reports;
}

/** A state server that takes rooms of pages at any port of this computer. */
async function startRelay(): Promise<{ port: number; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-relay-'));
  const states = await createStateServer(readOptions(['--origins', '*'], {}, { folder }));
  const server = createServer((request, response) => void states.handle(request, response));
  server.on('upgrade', (request, stream, head) => void states.upgrade(request, stream, head));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        states.close();
        server.close(() => {
          rmSync(folder, { recursive: true, force: true });
          done();
        });
        server.closeAllConnections();
      }),
  };
}
