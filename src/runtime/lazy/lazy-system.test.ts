/**
 * A guest (tools/guests/absent) that makes the CPU use memory on its own: interrupts, exceptions, gates,
 * tasks and tables, from level 3. All of its pages are absent, and arrive late and in random order.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bareMachine,
  labFirmware,
  loadLabRuntime,
  projectFile,
} from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { LabAbsence } from '../testing/lab-absence.ts';
import { labHost } from '../testing/lab-host.ts';
import { LabClock, LabGuest, type LabRuntime, Random } from '../testing/lab-runtime.ts';

const stride = 5_000;
/** Times that all memory is taken away, and that only the memory of the CPU itself is. */
const losses = { all: 8, system: 250 } as const;
/** Pages of IDT, GDT, both TSS, the stacks of level 0 and task 2, and the root of the tables. */
const systemPages: readonly number[] = [0x180, 0x182, 0x184, 0x186, 0x189, 0x18a, 0x18c, 0x200];

const modes = { n: '32-bit paging', a: 'PAE' } as const;

describe.each(v86Packages)('a CPU without its tables, on npm package %s', (packageName) => {
  let runtime: LabRuntime;
  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
  }, 120_000);

  async function boot(letter: string) {
    const host = labHost(labFirmware, { ...bareMachine, multiboot: { url: 'kept:multiboot' } });
    host.kept.set('image.multiboot', projectFile('src/runtime/testing/guests/absent.bin'));
    host.clock = new LabClock().read;
    const guest = await LabGuest.boot(runtime, host);
    const run = async (instructions = stride) => {
      guest.machine.input.pump();
      await guest.run(instructions);
      expect(host.crash, 'the runtime crashed').toBeUndefined();
      expect(/FAIL ./.exec(host.serial)?.[0], 'the guest found something wrong').toBeUndefined();
    };
    const until = async (condition: () => boolean) => {
      for (let turns = 0; !condition(); turns++) {
        await run();
        if (turns > 20_000) throw new Error(`It stands still.\n${host.serial.slice(-300)}`);
      }
    };
    await until(() => host.serial.includes('absent\n'));
    guest.machine.commands.consoleInput('serial0', new TextEncoder().encode(letter));
    await until(() => rounds(host.serial) >= 2);
    return { host, guest, run };
  }

  const rounds = (serial: string) => serial.match(/round [0-9a-f]{8}\n/g)?.length ?? 0;

  it.each(Object.entries(modes))(
    'computes the same with memory that arrives late: %s %s',
    {
      timeout: 240_000,
    },
    async (letter) => {
      const { host, guest, run } = await boot(letter);
      const random = new Random(77 + letter.length);
      const counts = { waits: 0, brought: 0 };
      const lose = async (isAbsent: (page: number) => boolean, roundsToRun: number) => {
        for (let i = random.below(20); i >= 0; i--) await run(1 + random.below(stride));
        const goal = rounds(host.serial) + roundsToRun;
        const keepsCode = roundsToRun === 1;
        const absence = new LabAbsence({ guest, random, isAbsent, keepsCode });
        for (let turns = 0; rounds(host.serial) < goal && absence.isIncomplete; turns++) {
          await run(1 + random.below(stride));
          absence.turn(roundsToRun > 1 && turns % 16 === 0 ? 1 : 0);
          if (turns > 30_000) throw new Error(`It waits for ${absence.lazyRam.waitsFor}.`);
        }
        counts.waits += absence.waitedFor.length;
        counts.brought += absence.broughtNow.length;
        absence.end();
      };
      for (let i = 0; i < losses.all; i++) await lose((page) => page >= 256, 2);
      for (let i = 0; i < losses.system; i++) await lose((page) => systemPages.includes(page), 1);
      expect(counts.waits).toBeGreaterThan(losses.all * 20);
      // Gates, tasks and ENTER do not wait.
      expect(counts.brought).toBeGreaterThan(losses.all);
    },
  );
});
