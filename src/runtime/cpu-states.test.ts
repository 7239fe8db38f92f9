/**
 * Saves the state of a guest in every CPU state that is hard to save. Loads it into another instance of
 * the same v86, and of another one. The guest checks itself (tools/guests/cpu-states).
 *
 * Not checked, because v86 itself does not support them:
 *
 * - segment limits
 * - a tick that is pending while interrupts are off: v86 drops it when it next checks its timers
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CpuStateName,
  type CpuStateStatus,
  cpuStateStatus,
  cpuStates,
  cpuStatesDisk,
  cpuStatesFloppy,
} from '../../tools/guests/cpu-states/cpu-states.ts';
import { bareMachine, labFirmware, loadLabRuntime, projectFile } from '../../tools/lab-runtime.ts';
import { v86Packages } from '../../tools/v86-versions.ts';
import { type LabHost, labHost } from './testing/lab-host.ts';
import { LabClock, LabGuest, type LabRuntime, prepareLab, Random } from './testing/lab-runtime.ts';

const image = projectFile('src/runtime/testing/guests/cpu-states.bin');

/** Instructions that the guest runs at a time when its state is not inspected. */
const stride = 20_000;
/** Hand-overs in each CPU state, alternately to the other v86 and to the same one. */
const handOvers = 12;

interface Sight {
  guest: LabGuest;
  status: CpuStateStatus;
  eip: number;
  /** `eip` is in the code of the CPU state. */
  hot: boolean;
}

/** The operation during which the guest's state is saved. */
const caught: Record<CpuStateName, (sight: Sight) => boolean> = {
  'real-mode': ({ guest, eip, hot }) => !protectedMode(guest) && (hot || eip >= 0xc0000),
  'big-real-mode': ({ guest, hot }) => !protectedMode(guest) && hot,
  // In the firmware, between the call and its end.
  floppy: ({ guest, eip }) => eip >= 0xe0000 && guest.cpu.devices.fdc.cmd_phase !== 0,
  'protected-mode': ({ guest, hot }) => protectedMode(guest) && hot,
  flags: ({ hot }) => hot,
  paging: ({ guest, hot }) => paged(guest) && hot,
  'pae-paging': ({ guest, hot }) => paged(guest) && hot,
  'planar-graphics': ({ guest, hot }) => guest.cpu.devices.vga.graphical_mode && hot,
  '256-colour-graphics': ({ guest, hot }) => guest.cpu.devices.vga.graphical_mode && hot,
  'linear-frame-buffer': ({ guest, hot }) => guest.cpu.devices.vga.svga_enabled === true && hot,
  'rep-string': ({ guest }) => inString(guest),
  'rep-string-paged': ({ guest }) => paged(guest) && inString(guest),
  'interrupt-handler': ({ status, hot }) => status.phase !== 0 && hot,
  // The timer's handler inside the clock's.
  'nested-interrupt': ({ status, hot }) => status.phase === 2 && hot,
  'apic-timer': ({ status, hot }) => status.phase !== 0 && hot,
  halted: ({ guest }) => guest.cpu.in_hlt[0] === 1,
  x87: ({ guest, hot }) => hot && guest.cpu.fpu_stack_empty[0] !== 0xff,
  sse: ({ hot }) => hot,
  mmx: ({ guest, hot }) => hot && guest.cpu.fpu_stack_empty[0] === 0,
  'ide-pio': ({ guest, status }) => status.phase === 1 && transferring(guest, 'primary'),
  'ide-dma': ({ status, hot }) => status.phase === 1 && hot,
  atapi: ({ guest, status }) => status.phase === 1 && transferring(guest, 'secondary'),
  // A command has failed, and the guest has not requested the reason.
  'atapi-sense': ({ status }) => status.phase === 2,
};

const protectedMode = ({ cpu }: LabGuest) => ((cpu.cr[0] ?? 0) & 1) === 1;
const paged = ({ cpu }: LabGuest) => (cpu.cr[0] ?? 0) < 0;

/** At the prefix of a string instruction, with some of its work done: pages of 4 KiB at a time. */
function inString({ cpu, memory }: LabGuest): boolean {
  const [prefix = 0] = memory(cpu.instruction_pointer[0] ?? 0, 1);
  const left = cpu.reg32[1] ?? 0;
  return (prefix === 0xf3 || prefix === 0xf2) && left > 0 && left % 0x4000 > 1;
}

/** The device has data for the guest, which has read some of it. */
function transferring({ cpu }: LabGuest, channel: 'primary' | 'secondary'): boolean {
  const drive = cpu.devices.ide?.[channel]?.master;
  return drive !== undefined && (drive.status_reg & 8) !== 0 && drive.data_pointer > 0;
}

const look = (guest: LabGuest): Sight => {
  const status = cpuStateStatus(guest.memory);
  if (!status) throw new Error(`The guest is not up.\n${guest.host.serial.slice(-500)}`);
  const eip = guest.cpu.instruction_pointer[0] ?? 0;
  return { guest, status, eip, hot: eip >= status.hotStart && eip < status.hotEnd };
};

/** Runs the guest until it has finished `rounds` more; every check that failed is in the message. */
async function runRounds(guest: LabGuest, rounds: number): Promise<void> {
  const { host } = guest;
  const goal = look(guest).status.rounds + rounds;
  for (let strides = 0; look(guest).status.rounds < goal; strides++) {
    await guest.run(stride);
    expect(host.crash, 'the runtime crashed').toBeUndefined();
    expect(/FAIL .*/.exec(host.serial)?.[0], 'the guest found something wrong').toBeUndefined();
    if (strides > 5_000) throw new Error(`No round is finished.\n${host.serial.slice(-500)}`);
  }
}

/** Runs the guest until it is in the middle of the CPU state. */
async function runUntilCaught(guest: LabGuest, name: CpuStateName, random: Random): Promise<void> {
  await guest.run(stride, random.below(10));
  for (let steps = 0; steps < 20_000; steps++) {
    if (steps === 50) guest.stopCompiling();
    await guest.run(1 + random.below(2_000));
    if (caught[name](look(guest))) return;
  }
  throw new Error(`The guest was never caught in the middle of ${name}.`);
}

async function bootInto(runtime: LabRuntime, name: CpuStateName): Promise<LabGuest> {
  const disks = /ide|atapi/.test(name)
    ? { hda: cpuStatesDisk(4 << 20), cdrom: cpuStatesDisk(2 << 20) }
    : {};
  const host: LabHost = labHost(
    { ...labFirmware, ...disks, fda: cpuStatesFloppy(image) },
    { ...bareMachine, acpi: name === 'apic-timer' },
  );
  host.clock = new LabClock().read;
  const guest = await LabGuest.boot(runtime, host);
  for (let strides = 0; !host.serial.includes('cpu-states\r\n'); strides++) {
    await guest.run(stride);
    if (strides > 5_000) throw new Error('The guest does not boot.');
  }
  guest.machine.commands.consoleInput('serial0', new TextEncoder().encode(cpuStates[name]));
  await runRounds(guest, 1);
  return guest;
}

describe('a guest whose state is taken', () => {
  const runtimes: LabRuntime[] = [];

  beforeAll(async () => {
    for (const name of v86Packages) {
      const runtime = await loadLabRuntime(name);
      runtimes.push(runtime);
      // The first use of a runtime warms it up, by the real clock.
      (await prepareLab(runtime, labHost(labFirmware, bareMachine), false)).discard();
    }
  }, 120_000);

  describe.each(Object.keys(cpuStates) as CpuStateName[])('in the CPU state %s', (name) => {
    it('passes its own checks without any hand-over', { timeout: 60_000 }, async () => {
      for (const runtime of runtimes) await runRounds(await bootInto(runtime, name), 4);
    });

    it('passes them after every hand-over', { timeout: 120_000 }, async () => {
      const guest = await bootInto(runtimes[0] as LabRuntime, name);
      const random = new Random(0x5eed);
      for (let i = 0; i < handOvers; i++) {
        await runUntilCaught(guest, name, random);
        // To the other v86, to the same, back to the first, to the same.
        const to = runtimes[(i + 1) & 2 ? 1 : 0] as LabRuntime;
        await guest.handOver(to);
        // The round in which it was caught, and a full one.
        await runRounds(guest, 2);
      }
    });
  });
});
