/** A running guest moves between hosts. From a page to Node and back: e2e/package/hosts.spec.ts. */
import { resolve } from 'node:path';
import type { MigrateOptions } from '../../src/index.ts';
import { bundleModule } from '../support/bundle.ts';
import { HeldFile } from '../support/held-file.ts';
import { prompt } from '../support/linux-guest.ts';
import { test as base, expect, patternGuest } from '../support/test.ts';

type Moves = typeof import('../support/moves.ts');

const test = base.extend<{ moves: string }>({
  moves: async ({ site }, use) =>
    use(await site.put('e2e/moves.js', await bundleModule(resolve('e2e/support/moves.ts')))),
});
test.use(patternGuest);

// A busy computer is no failure.
const patient: MigrateOptions = { downtimeLimitMs: 20_000 };

test('[MH1] memory is the same to the last dword after a move over a data channel', async ({
  guest,
  moves,
  runtimes,
}) => {
  const result = await guest.machine(
    async (machine, [url, builds, options]) => {
      const { inspectPattern, moveOverDataChannel, passes, present } = (await import(url)) as Moves;
      const { status } = await moveOverDataChannel(machine, builds, options);
      await passes(machine, 1);
      await present(machine).pause();
      const { foreign } = present(machine).status?.config ?? {};
      return { status, foreign, pattern: await inspectPattern(present(machine)) };
    },
    [moves, [runtimes.newer, runtimes.older], patient] as const,
  );
  expect(result).toMatchObject({ status: 'completed', foreign: true, pattern: { ok: true } });
});

test('[MH4] a guest moves to a tab that shares no worker, with its memory', async ({
  guest,
  context,
  site,
  moves,
  runtimes,
}) => {
  const other = await context.newPage();
  await other.goto(await site.put('tab.html', '<!doctype html><title>Another tab</title>'));
  const builds = [runtimes.newer, runtimes.older];
  const taken = other.evaluate(
    async ([url, builds]) => {
      const { takeOverBroadcast, passes, inspectPattern } = (await import(url)) as Moves;
      const machine = await takeOverBroadcast(builds, 'to-a-tab');
      await passes(machine, 1);
      await machine.pause();
      return inspectPattern(machine);
    },
    [moves, builds] as const,
  );
  const status = await guest.machine(
    async (machine, options) =>
      (await machine.migrate(new BroadcastChannel('to-a-tab'), options)).status,
    patient,
  );
  expect(status).toBe('completed');
  expect(await taken).toMatchObject({ ok: true });
  await expect
    .poll(() => guest.machine((machine) => machine.status?.reason?.code))
    .toBe('migrated');
});

test.describe('a guest of Linux', () => {
  test.use({ guestQuery: '', guestReady: prompt });

  test('[MH10] whose download is not relayed to another host sees it end, and the report names it', {
    tag: '@slow',
  }, async ({ guest, moves, runtimes }) => {
    const file = await HeldFile.serve();
    await guest.start(runtimes.newer, { network: 'virtio', networkBackend: { kind: 'fetch' } });
    await guest.waitForSerial(prompt);
    await guest.run('until ifconfig eth0 | grep -q "inet addr"; do usleep 100000; done');
    const url = `http://${file.port}.external/f`;
    await guest.run(`(wget -q -O /tmp/f ${url}; echo wget=$? >/tmp/result) & true`);
    file.release(0.3);
    const received = async () => Number((await guest.execute('wc -c </tmp/f')).stdout);
    await expect.poll(received).toBeGreaterThan(0);
    const cut = await guest.machine(
      async (machine, [url, builds, options]) => {
        const { moveOverDataChannel } = (await import(url)) as Moves;
        return (await moveOverDataChannel(machine, builds, options)).cut;
      },
      [moves, [runtimes.newer, runtimes.older], { ...patient, relayConnections: false }] as const,
    );
    expect(cut).toMatchObject([{ code: 'network-cannot-follow' }]);
    const result = () =>
      guest.machine(async (machine, url) => {
        const { present } = (await import(url)) as Moves;
        return (await present(machine).execute('cat /tmp/result')).stdout;
      }, moves);
    await expect.poll(result).toMatch(/wget=[1-9]/);
    file.close();
  });
});
