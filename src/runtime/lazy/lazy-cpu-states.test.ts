/**
 * Guests that check themselves (tools/guests/cpu-states) run while their memory arrives late, page by page
 * and in random order. An absent page holds a pattern that fails every check.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CpuStateName,
  cpuStateStatus,
  cpuStates,
  cpuStatesDisk,
  cpuStatesFloppy,
} from '../../../tools/guests/cpu-states/cpu-states.ts';
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

const image = projectFile('src/runtime/testing/guests/cpu-states.bin');
const stride = 20_000;
const firstMiB = 256;
const firmware = 0xc0;
/** Times that all memory is taken away. */
const losses = 6;

/** These use nothing above the first MiB, which is always there. */
const needsNothing: readonly CpuStateName[] = ['real-mode', 'floppy'];
/** Real mode needs it. */
const keepsFirstMiB: readonly CpuStateName[] = ['big-real-mode'];

describe.each(v86Packages)('memory that arrives late, on npm package %s', (packageName) => {
  let runtime: LabRuntime;
  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
  }, 120_000);

  async function bootInto(name: CpuStateName): Promise<LabGuest> {
    const disks = /ide|atapi/.test(name)
      ? { hda: cpuStatesDisk(4 << 20), cdrom: cpuStatesDisk(2 << 20) }
      : {};
    const host = labHost(
      { ...labFirmware, ...disks, fda: cpuStatesFloppy(image) },
      { ...bareMachine, acpi: name === 'apic-timer' },
    );
    host.clock = new LabClock().read;
    const guest = await LabGuest.boot(runtime, host);
    for (let i = 0; !host.serial.includes('cpu-states\r\n'); i++) {
      await guest.run(stride);
      if (i > 20_000) throw new Error('It does not boot.');
    }
    guest.machine.commands.consoleInput('serial0', new TextEncoder().encode(cpuStates[name]));
    while (rounds(guest) < 1) await run(guest);
    return guest;
  }

  const rounds = (guest: LabGuest) => cpuStateStatus(guest.memory)?.rounds ?? 0;

  async function run(guest: LabGuest, instructions = stride): Promise<void> {
    const { host } = guest;
    guest.machine.input.pump();
    await guest.run(instructions);
    expect(host.crash, 'the runtime crashed').toBeUndefined();
    expect(/FAIL .*/.exec(host.serial)?.[0], 'the guest found something wrong').toBeUndefined();
  }

  it.each(
    (Object.keys(cpuStates) as CpuStateName[]).filter((name) => !needsNothing.includes(name)),
  )('does not change what a guest computes: %s', { timeout: 120_000 }, async (name) => {
    const guest = await bootInto(name);
    const random = new Random(1 + name.length);
    const keepsFirst = keepsFirstMiB.includes(name);
    let waits = 0;
    for (let loss = 0; loss < losses; loss++) {
      await run(guest, 1 + random.below(stride));
      const before = rounds(guest);
      const absence = new LabAbsence({
        guest,
        random,
        isAbsent: (page) => page >= firstMiB || (!keepsFirst && page < firmware),
      });
      const header = () => absence.absentPages.includes(8);
      for (let turns = 0; header() || rounds(guest) < before + 2; turns++) {
        await run(guest, 1 + random.below(stride));
        absence.turn(turns % 8 === 0 ? 1 : 0);
        if (turns > 30_000) throw new Error(`It waits for ${absence.lazyRam.waitsFor}.`);
      }
      waits += absence.waitedFor.length;
      absence.end();
    }
    expect(waits).toBeGreaterThan(0);
  });
});
