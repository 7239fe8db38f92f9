/** A running guest moves from a page to a program in Node, and back. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { Machine, packageAssets } from '../../src/packages/browser/index.ts';
import { HeldFile } from '../support/held-file.ts';
import { expect, test } from './test.ts';

interface ProjectWindow extends Window {
  machine?: Machine;
  connect: typeof import('../../src/packages/browser/index.ts').connect;
  assets: typeof packageAssets;
}
declare const window: ProjectWindow;

/** A busy computer is no failure. */
const patient = { downtimeLimitMs: 120_000 };

test('[MH11] from a page to Node and back, a shell loses and repeats no line, and a download continues', {
  tag: '@slow',
}, async ({ page, project, site }) => {
  test.setTimeout(600_000);
  const file = await HeldFile.serve();
  const bytesAt = (part: number) => Math.round(0.9 * part * file.contents.length);
  const node = pathToFileURL(join(project.package, 'dist-lib/node.js')).href;
  const program = spawn(process.execPath, ['e2e/package/node-host.mjs', node, `${bytesAt(0.6)}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
  const step = async () => JSON.parse((await lines.next()).value ?? 'null');
  try {
    const { port } = await step();
    const url = `ws://127.0.0.1:${port}`;
    await page.goto(site.url);
    await page.waitForFunction(() => window.machine !== undefined);
    file.release(0.3);
    await page.evaluate(
      async ([url, bytes]) => {
        const first = window.machine as Machine;
        const [runtime] = window.assets.runtimes;
        const { config } = first.status ?? {};
        if (!runtime || !config) throw new Error('The page has no guest.');
        await first.destroy();
        const machine = await window.connect({ ...window.assets, machineId: 'networked' });
        const network = { network: 'virtio', networkBackend: { kind: 'fetch' } } as const;
        await machine.start({ ...config, ...network, id: 'networked' }, runtime);
        window.machine = machine;
        const console = machine.console();
        await console.waitFor(/holdfast:~# /, { timeoutMs: 120_000 });
        await machine.execute('until ifconfig eth0 | grep -q "inet addr"; do usleep 100000; done');
        await console.write('stty -echo; cd /tmp; head -c 300000 /dev/urandom >g; md5sum g >sum\n');
        await console.write(`(wget -q -O /tmp/f ${url}; echo wget=$? >/tmp/result) & true\n`);
        const received = async () => Number((await machine.execute('wc -c </tmp/f')).stdout);
        while (!((await received()) > bytes));
        await console.write('i=0; while :; do i=$((i+1)); echo "<$i>"; usleep 2000; done\n');
        await console.waitFor(/<50>/, { from: console.end });
      },
      [`http://${file.port}.external/f`, bytesAt(0.3)] as const,
    );
    const left = await page.evaluate(
      ([url, options]) => (window.machine as Machine).migrate(new WebSocket(url), options),
      [url, patient] as const,
    );
    expect(left).toMatchObject({ status: 'completed', isRelayed: true });
    expect(left.cut).toBeUndefined();
    const { machineId, counted, foreign } = await step();
    expect([machineId, foreign]).toEqual([left.machineId, true]);
    expect(await page.evaluate(() => window.machine?.status?.reason?.code)).toBe('migrated');
    file.release(0.6);
    expect(await step()).toEqual({ received: true });

    await page.evaluate(async (url) => {
      const back = await window.connect({ ...window.assets, machineId: 'back' });
      await back.migrateIncoming(new WebSocket(url), { approve: () => true });
      window.machine = back;
    }, url);
    expect(await step()).toEqual({ status: 'completed', isRelayed: true });
    file.release(1);
    const { text, result, sum } = await page.evaluate(async () => {
      const back = window.machine as Machine;
      const outcome = async () => (await back.execute('cat /tmp/result')).stdout;
      while (!(await outcome()));
      const console = back.console();
      await console.waitFor(/<\d+>/, { from: console.end });
      const { end } = console;
      await console.write('\u0003');
      await console.waitFor(/# $/, { from: end });
      await console.write('md5sum -c sum\n');
      await console.waitFor(/g: OK/, { from: end });
      const { stdout: sum } = await back.execute('sha256sum </tmp/f');
      return { text: console.text(0), result: await outcome(), sum };
    });
    expect(result).toBe('wget=0\n');
    expect(sum).toContain(file.sha256);
    expect(file.requests).toBe(1);
    const numbers = [...text.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    expect(numbers.length).toBeGreaterThan(counted + 100);
  } finally {
    program.kill();
    file.close();
  }
});
