/** Calls that were renamed, between a page and a keeper of different releases. */
import { resolve } from 'node:path';
import { bundleModule } from '../support/bundle.ts';
import { expect, test } from '../support/test.ts';

interface EarlierWindow extends Window {
  /** Makes a call as the page of an earlier release does. */
  call(name: string, ...args: unknown[]): Promise<unknown>;
}
declare const window: EarlierWindow;

test('a page of an earlier release takes a snapshot, restores it and lists machines', async ({
  context,
  guest,
  site,
}) => {
  await guest.run('kept=before');
  // A page beside today's, with nothing in it: what it sends is what an earlier release's page sends.
  const earlier = await context.newPage();
  await earlier.route('**/earlier.html', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  await earlier.goto(`${site.url}earlier.html`);
  await earlier.evaluate(() => {
    const options = { type: 'module', name: 'holdfast', extendedLifetime: true } as const;
    const { port } = new SharedWorker(new URL('keeper.js', document.baseURI), options);
    // The messages of such a page's Comlink.
    window.call = (name, ...args) =>
      new Promise((answered) => {
        const id = crypto.randomUUID();
        const listener = ({ data }: MessageEvent) => {
          if (data.id !== id) return;
          port.removeEventListener('message', listener);
          answered(data.value);
        };
        port.addEventListener('message', listener);
        port.start();
        const argumentList = args.map((value) => ({ type: 'RAW', value }));
        port.postMessage({ id, type: 'APPLY', path: [name], argumentList });
      });
  });
  const call = (name: string, ...args: unknown[]) =>
    earlier.evaluate(([first = '', ...rest]) => window.call(first, ...rest), [name, ...args] as [
      string,
      ...unknown[],
    ]);

  const { methods, machine } = (await call('info')) as {
    methods: string[];
    machine: { config: { id: string } };
  };
  expect(methods).toEqual(expect.arrayContaining(['takeSnapshot', 'storedMachines']));
  const { id } = (await call('takeSnapshot')) as { id: string };
  await guest.run('kept=after');
  expect(await call('restoreSnapshot', id)).toEqual(
    expect.objectContaining({ pages: expect.any(Number) }),
  );
  expect((await guest.run('echo $kept')).output).toBe('before\n');
  await call('checkpoint');
  expect(await call('storedMachines')).toEqual([
    expect.objectContaining({ id: machine.config.id, running: 'here' }),
  ]);
});

test('a page of today does all of that with a keeper of an earlier release', async ({
  guest,
  site,
  page,
}) => {
  await guest.machine((machine) => machine.destroy());
  await site.put('keeper.js', await bundleModule(resolve('e2e/support/earlier-keeper.ts')));
  // Another machine has a keeper of its own, which begins with the script of now.
  await guest.open(`${site.url}?machine=other`);
  await guest.waitForSerial(/holdfast:~# /);
  const { methods = [] } = await guest.machine((machine) => machine.keeper);
  expect(methods).toContain('takeSnapshot');
  expect(methods).not.toContain('snapshot');

  await guest.run('kept=before');
  const { id } = await guest.machine((machine) => machine.snapshot());
  await guest.run('kept=after');
  await guest.machine((machine, snapshot) => machine.restore({ id: snapshot }), id);
  expect((await guest.run('echo $kept')).output).toBe('before\n');
  await guest.machine((machine) => machine.checkpoint());

  const exportedBytes = await guest.machine(async (machine) => {
    let bytes = 0;
    for await (const chunk of machine.exportState() as unknown as AsyncIterable<Uint8Array>)
      bytes += chunk.length;
    return bytes;
  });
  expect(exportedBytes).toBeGreaterThan(100_000);
  await page.getByRole('button', { name: 'Machines' }).click();
  await expect(page.getByRole('dialog', { name: 'Machines in this browser' })).toContainText(
    'This page',
  );
});
