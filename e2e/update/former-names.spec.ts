/** Calls that were renamed, between a page and a keeper of different releases. */
import { resolve } from 'node:path';
import { bundleModule } from '../support/bundle.ts';
import { expect, test } from '../support/test.ts';

// Such a page has a policy of its own: here it is played by a script, which makes a worker from a string.
test.use({ siteSecured: false });

test('a page of an earlier release takes a snapshot, restores it and lists machines', async ({
  guest,
}) => {
  await guest.run('kept=before');
  const answers = await guest.page.evaluate(async () => {
    const options = { type: 'module', name: 'holdfast', extendedLifetime: true } as const;
    const { port } = new SharedWorker(new URL('keeper.js', document.baseURI), options);
    // What such a page's Comlink sends. Not this page's own code: that knows today's names alone.
    const call = (name: string, ...args: unknown[]) =>
      new Promise<{ id: string; value: unknown }>((answered) => {
        const id = crypto.randomUUID();
        const hear = ({ data }: MessageEvent) => {
          if (data.id !== id) return;
          port.removeEventListener('message', hear);
          answered(data);
        };
        port.addEventListener('message', hear);
        port.start();
        const argumentList = args.map((value) => ({ type: 'RAW', value }));
        port.postMessage({ id, type: 'APPLY', path: [name], argumentList });
      });
    const { methods, machine } = (await call('info')).value as {
      methods: string[];
      machine: { config: { id: string } };
    };
    const { id } = (await call('takeSnapshot')).value as { id: string };
    const listed = (await call('snapshots')).value as { id: string }[];
    const { pages } = (await call('restoreSnapshot', id)).value as { pages: number };
    await call('checkpoint');
    const stored = (await call('storedMachines')).value as { id: string; running: string }[];
    return { methods, machine, listed, id, pages, stored };
  });
  expect(answers.methods).toEqual(expect.arrayContaining(['takeSnapshot', 'storedMachines']));
  expect(answers.listed.map(({ id }) => id)).toEqual([answers.id]);
  expect(answers.pages).toEqual(expect.any(Number));
  const { id } = answers.machine.config;
  expect(answers.stored).toEqual([expect.objectContaining({ id, running: 'here' })]);
  expect((await guest.run('echo $kept')).output).toBe('before\n');
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
  await expect(page.locator('#machines-dialog')).toContainText('This page');
});
