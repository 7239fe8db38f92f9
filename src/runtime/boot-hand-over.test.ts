/**
 * Hand-overs while a guest boots: at hundreds of random points, during everything that firmware does once
 * in a guest's life. The result must equal the result of a boot without any hand-over.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { cpuStates, cpuStatesFloppy } from '../../tools/guests/cpu-states/cpu-states.ts';
import { bareMachine, labFirmware, loadLabRuntime, projectFile } from '../../tools/lab-runtime.ts';
import { v86Packages } from '../../tools/v86-versions.ts';
import { type LabHost, labHost } from './testing/lab-host.ts';
import { LabClock, LabGuest, type LabRuntime, prepareLab, Random } from './testing/lab-runtime.ts';

const text = new TextEncoder();

/** The text screen's characters, as the guest has them in its planes. */
function screenText({ cpu }: LabGuest): string {
  const { vga_memory } = cpu.devices.vga;
  const cells = Array.from({ length: 80 * 25 }, (_, i) => vga_memory[i * 2] ?? 0);
  return String.fromCharCode(...cells).replace(/[\0 ]+/g, ' ');
}

interface Boot {
  instructions: number;
  /** Number of hand-overs; 0 for a reference run. */
  handOvers: number;
  seed: number;
  done(guest: LabGuest): boolean;
}

describe('a guest that boots', () => {
  const runtimes: LabRuntime[] = [];

  beforeAll(async () => {
    for (const name of v86Packages) {
      const runtime = await loadLabRuntime(name);
      runtimes.push(runtime);
      // The first use of a runtime warms it up, by the real clock.
      (await prepareLab(runtime, labHost(labFirmware, bareMachine), false)).discard();
    }
  }, 120_000);

  async function boot(host: LabHost, plan: Boot): Promise<LabGuest> {
    host.clock = new LabClock().read;
    const random = new Random(plan.seed);
    const guest = await LabGuest.boot(runtimes[0] as LabRuntime, host);
    let left = plan.handOvers;
    for (let steps = 0; !plan.done(guest); steps++) {
      if (left > 0) {
        left--;
        await guest.handOver(runtimes[random.below(2)] as LabRuntime);
      }
      await guest.run(1 + random.below(plan.instructions));
      expect(host.crash, 'the runtime crashed').toBeUndefined();
      if (steps > 200_000) throw new Error(`It does not boot.\n${host.serial.slice(-1000)}`);
    }
    expect(left, 'hand-overs that did not take place').toBe(0);
    expect(host.resets, 'resets of the guest').toBe(0);
    return guest;
  }

  it('from a floppy is handed over at 300 points in its firmware', {
    timeout: 180_000,
  }, async () => {
    const image = projectFile('src/runtime/testing/guests/cpu-states.bin');
    const run = async (handOvers: number) => {
      const host = labHost({ ...labFirmware, fda: cpuStatesFloppy(image) }, bareMachine);
      const guest = await boot(host, {
        instructions: 3_500,
        handOvers,
        seed: 0xb007,
        done: () => host.serial.includes('cpu-states\r\n'),
      });
      // Its image after the boot sector, where the firmware has loaded it.
      const loaded = guest.memory(0x9000, image.length - 512).slice();
      const screen = screenText(guest);
      guest.machine.commands.consoleInput('serial0', text.encode(cpuStates['real-mode']));
      for (let i = 0; i < 2_000 && !host.serial.includes('round 00000003'); i++)
        await guest.run(20_000);
      return { loaded, screen, serial: host.serial.replace(/(round 00000003\r\n)[\s\S]*/, '$1') };
    };
    const expected = await run(0);
    expect(expected.serial).toContain('round 00000003');
    expect(await run(300)).toEqual(expected);
  });

  it('stands at the prompt of its firmware and takes keys there', { timeout: 60_000 }, async () => {
    const guest = await boot(labHost(labFirmware, bareMachine), {
      instructions: 20_000,
      handOvers: 100,
      seed: 0xb105,
      done: (guest) => screenText(guest).includes('Retrying in 60 seconds.'),
    });
    /** Keys in the BIOS data area's buffer: scan code and character. */
    const keys = () => {
      const area = new DataView(guest.memory(0x400, 0x40).slice().buffer);
      const found: number[] = [];
      for (let at = area.getUint16(0x1a, true); at !== area.getUint16(0x1c, true); at += 2)
        found.push(area.getUint16(at, true));
      return found;
    };
    expect(keys()).toEqual([]);
    const screen = screenText(guest);
    for (let key = 0; key < 8; key++) {
      const scancode = 0x1e + key; // a, s, d…
      guest.machine.commands.scancodes(Uint8Array.of(scancode));
      await guest.handOver(runtimes[key & 1] as LabRuntime);
      guest.machine.commands.scancodes(Uint8Array.of(scancode | 0x80));
      await guest.handOver(runtimes[(key >> 1) & 1] as LabRuntime);
      await guest.run(20_000, 20);
    }
    const typed = 'asdfghjk';
    expect(keys()).toEqual(Array.from(typed, (c, i) => ((0x1e + i) << 8) | c.charCodeAt(0)));
    expect(screenText(guest)).toBe(screen);
  });
});
