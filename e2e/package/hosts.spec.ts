/** A running guest moves from a page to a program in Node, and back. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { Machine, packageAssets } from '../../src/packages/browser/index.ts';
import { expect, test } from './test.ts';

interface ProjectWindow extends Window {
  machine?: Machine;
  connect: typeof import('../../src/packages/browser/index.ts').connect;
  assets: typeof packageAssets;
}
declare const window: ProjectWindow;

/** A busy computer is no failure. */
const patient = { downtimeLimitMs: 120_000 };

test('a shell that counts loses and repeats no line from a page to Node and back', {
  tag: '@slow',
}, async ({ page, project, site }) => {
  test.setTimeout(300_000);
  const node = pathToFileURL(join(project.package, 'dist-lib/node.js')).href;
  const program = spawn(process.execPath, ['e2e/package/node-host.mjs', node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
  const step = async () => JSON.parse((await lines.next()).value ?? 'null');
  try {
    const { port } = await step();
    const url = `ws://127.0.0.1:${port}`;
    await page.goto(site.url);
    await page.waitForFunction(() => window.machine !== undefined);
    await page.evaluate(async () => {
      const console = (window.machine as Machine).console();
      await console.write('stty -echo; cd /tmp; head -c 3000000 /dev/urandom >f; md5sum f >sum\n');
      await console.write('i=0; while :; do i=$((i+1)); echo "<$i>"; usleep 2000; done\n');
      await console.waitFor(/<50>/);
    });
    const left = await page.evaluate(
      ([url, options]) => (window.machine as Machine).migrate(new WebSocket(url), options),
      [url, patient] as const,
    );
    expect(left.status).toBe('completed');
    const { machineId, counted, foreign } = await step();
    expect([machineId, foreign]).toEqual([left.machineId, true]);
    expect(await page.evaluate(() => window.machine?.status?.reason?.code)).toBe('migrated');

    const text = await page.evaluate(async (url) => {
      const back = await window.connect({ ...window.assets, machineId: 'back' });
      await back.migrateIncoming(new WebSocket(url));
      const console = back.console();
      await console.waitFor(/<\d+>/, { from: console.end });
      const { end } = console;
      await console.write('\u0003');
      await console.waitFor(/# $/, { from: end });
      await console.write('md5sum -c sum\n');
      await console.waitFor(/f: OK/, { from: end });
      return console.text(0);
    }, url);
    expect(await step()).toEqual({ status: 'completed' });
    const numbers = [...text.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    expect(numbers.length).toBeGreaterThan(counted + 100);
  } finally {
    program.kill();
  }
});
