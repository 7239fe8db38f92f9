/** A running guest moves between keepers of one page. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MigrateOptions, MigrateReport, RuntimeSource } from '../../src/index.ts';
import { bundleModule } from '../support/bundle.ts';
import { prompt } from '../support/linux-guest.ts';
import { test as base, expect, type Guest, patternGuest } from '../support/test.ts';

type Moves = typeof import('../support/moves.ts');

const test = base.extend<{ moves: string; builds: RuntimeSource[] }>({
  moves: async ({ site }, use) =>
    use(await site.put('e2e/moves.js', await bundleModule(resolve('e2e/support/moves.ts')))),
  builds: async ({ runtimes }, use) => use([runtimes.newer, runtimes.older]),
});

interface Move {
  url: string;
  builds: RuntimeSource[];
  /** A shared worker of this name; absent: a dedicated one. */
  shared?: string;
  options?: MigrateOptions;
}

// A busy computer is no failure: the limit has a test of its own.
const patient: MigrateOptions = { downtimeLimitMs: 20_000 };

const move = (guest: Guest, how: Move): Promise<MigrateReport> =>
  guest.machine(
    async (machine, { url, builds, shared, options }) => {
      const { moveTo } = (await import(url)) as Moves;
      const to = shared ? { machineId: shared } : ({ host: 'dedicated' } as const);
      return moveTo(machine, builds, to, options);
    },
    { options: patient, ...how },
  );

/** Pauses the guest where it is, looks at every dword of it, and resumes it. */
const inspect = (guest: Guest, url: string) =>
  guest.machine(async (machine, url) => {
    const { inspectPattern, passes, present } = (await import(url)) as Moves;
    await passes(machine, 1);
    await present(machine).pause();
    const result = await inspectPattern(present(machine));
    await present(machine).resume();
    return result;
  }, url);

test.describe('the memory of a guest', () => {
  test.use(patternGuest);

  test('[MI1] is the same to the last dword in dedicated and shared workers', async ({
    guest,
    moves,
    builds,
  }) => {
    let pass = 0;
    for (const shared of [undefined, 'second', undefined, 'third']) {
      const report = await move(guest, { url: moves, builds, ...(shared && { shared }) });
      expect(report).toMatchObject({ status: 'completed', machineId: 'default' });
      const result = await inspect(guest, moves);
      expect(result).toMatchObject({ ok: true });
      if (result.ok) {
        expect(result.pass).toBeGreaterThan(pass);
        pass = result.pass;
      }
    }
  });

  test('[MI7] stays whole at the source when migrations are cancelled, at any moment', async ({
    guest,
    moves,
    builds,
  }) => {
    const codes = await guest.machine(
      async (machine, [url, builds]) => {
        const { openTarget } = (await import(url)) as Moves;
        const codes: unknown[] = [];
        for (const status of ['setup', 'active', 'device'] as const) {
          const target = await openTarget(builds, { host: 'dedicated' });
          const cancelled = new Promise((done) => {
            const stop = machine.on('migration', ({ info }) => {
              if (info.status !== status) return;
              stop();
              done(machine.migrateCancel().catch(({ code }) => code));
            });
          });
          const outcome = machine.migrate(target).then(
            () => 'it moved',
            ({ code }) => code,
          );
          codes.push(await cancelled, await outcome);
          target.close();
          if (machine.status?.runstate !== 'running') break;
        }
        return codes;
      },
      [moves, builds] as const,
    );
    // The last one may come too late: the guest has then moved, and is whole there.
    expect(codes.slice(0, 4)).toEqual([undefined, 'cancelled', undefined, 'cancelled']);
    if (codes.at(-1) === 'cancelled')
      expect(await inspect(guest, moves)).toMatchObject({ ok: true });
  });

  test('[MI10] stays whole at the source when the worker of the destination is killed', async ({
    guest,
    moves,
    builds,
  }) => {
    const outcome = await guest.machine(
      async (machine, [url, builds]) => {
        const { openTarget } = (await import(url)) as Moves;
        const target = await openTarget(builds, { host: 'dedicated' });
        const waits = new Promise<void>((done) => {
          machine.on('migration', ({ info }) => info.status === 'pre-switchover' && done());
        });
        const { port1, port2 } = new MessageChannel();
        target.migrateIncoming(port2).catch(() => {});
        const moved = machine
          .migrate(port1, { pauseBeforeSwitchover: true })
          .catch(({ code }) => code);
        await waits;
        // Terminates the worker.
        target.close();
        return { code: await moved, runstate: machine.status?.runstate };
      },
      [moves, builds] as const,
    );
    expect(outcome).toEqual({ code: 'migration-failed', runstate: 'running' });
    expect(await inspect(guest, moves)).toMatchObject({ ok: true });
  });
});

test.describe('Linux', () => {
  test('a shell that counts loses and repeats no line over six moves', { tag: '@slow' }, async ({
    guest,
    moves,
    builds,
  }) => {
    test.setTimeout(240_000);
    await guest.run('stty -echo');
    await guest.machine((machine) =>
      machine.consoleInput(
        'serial0',
        'i=0; while :; do i=$((i+1)); echo "<$i>"; usleep 2000; done\n',
      ),
    );
    await guest.waitForSerial(/<50>/);
    for (let i = 0; i < 6; i++)
      await move(guest, { url: moves, builds, ...(i % 2 === 1 && { shared: `counter-${i}` }) });
    const text = await guest.machine(async (machine, url) => {
      const { present } = (await import(url)) as Moves;
      const console = present(machine).console('serial0');
      await console.waitFor(/<\d+>/, { from: console.end });
      await console.write('\u0003');
      await console.waitFor(/\n.*# /, { from: console.end });
      return console.text(0);
    }, moves);
    const numbers = [...text.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    expect(numbers.length).toBeGreaterThan(100);
  });

  test('a durable guest takes its lock and its storage with it', async ({
    guest,
    moves,
    builds,
  }) => {
    await guest.machine((machine) => machine.setDurable(true));
    await guest.machine((machine) => machine.checkpoint());
    await move(guest, { url: moves, builds });
    const seen = await guest.machine(async (machine, url) => {
      const { present } = (await import(url)) as Moves;
      const here = present(machine);
      await here.checkpoint();
      const [there, at] = await Promise.all([machine.storage.list(), here.storage.list()]);
      return {
        source: machine.status?.reason?.code,
        durability: here.status?.durability?.state,
        running: [there[0]?.running, at[0]?.running],
      };
    }, moves);
    expect(seen).toEqual({
      source: 'migrated',
      durability: 'saved',
      running: ['elsewhere', 'here'],
    });
  });

  test.describe('a guest of 512 MiB that writes 50 MB/s', () => {
    test.use({ guestQuery: '?m=512', guestReady: prompt });
    const writer = [...readFileSync(new URL('../bench/lib/ram-writer.elf', import.meta.url))];
    const startWriter = async (guest: Guest) => {
      await guest.machine(
        (machine, bytes) => machine.filesWrite('w', new Uint8Array(bytes)),
        writer,
      );
      await guest.succeed('cp /mnt/w /tmp/w && chmod +x /tmp/w');
      await guest.run('/tmp/w & true');
      // It has written all of its memory once.
      const written = async () =>
        (await guest.execute("awk '/VmRSS/{print $2}' /proc/$(pidof w)/status")).stdout;
      await expect.poll(async () => Number(await written())).toBeGreaterThan(24_000);
    };
    const untilRunMs = ({ downtimeParts }: MigrateReport): number => {
      const { memoryMs, saveMs, sendMs, loadMs } = downtimeParts ?? (Number.NaN as never);
      return memoryMs + saveMs + sendMs + loadMs;
    };

    test('[MI13] converges, or is refused by a limit that it cannot keep', {
      tag: ['@slow', '@alone'],
    }, async ({ guest, moves, builds }) => {
      test.setTimeout(240_000);
      await startWriter(guest);
      const refused = await guest.machine(
        async (machine, [url, builds]) => {
          const { openTarget } = (await import(url)) as Moves;
          const target = await openTarget(builds, { host: 'dedicated' });
          const code = await machine
            .migrate(target, { downtimeLimitMs: 1, autoConverge: false })
            .catch(({ code }) => code);
          target.close();
          return { code, runstate: machine.status?.runstate };
        },
        [moves, builds] as const,
      );
      expect(refused).toEqual({ code: 'migration-failed', runstate: 'running' });
      const report = await move(guest, { url: moves, builds, options: { downtimeLimitMs: 1000 } });
      expect(report.status).toBe('completed');
      // Up to the word to run, the limit is kept, or the guest does not move.
      expect(untilRunMs(report)).toBeLessThanOrEqual(1000);
    });

    test('[MI14] is slowed down until a channel of 20 MB/s carries it', {
      tag: ['@slow', '@alone'],
    }, async ({ guest, moves, builds }) => {
      test.setTimeout(240_000);
      await startWriter(guest);
      const options = { downtimeLimitMs: 500, maxBandwidth: 20_000_000 };
      const report = await move(guest, { url: moves, builds, options });
      expect(report.status).toBe('completed');
      expect(report.throttlePercent).toBeGreaterThan(0);
      expect(untilRunMs(report)).toBeLessThanOrEqual(500);
      // It runs at its own speed again, where it is now.
      const seen = await guest.machine(async (machine, url) => {
        const { present } = (await import(url)) as Moves;
        return (await present(machine).execute('echo $((6 * 7))')).stdout;
      }, moves);
      expect(seen).toBe('42\n');
    });
  });
});
