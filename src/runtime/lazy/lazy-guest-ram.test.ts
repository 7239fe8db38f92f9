/** Waiting in the run loop, as the keeper sees it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  bareMachine,
  labFirmware,
  loadLabRuntime,
  projectFile,
} from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { LabAbsence } from '../testing/lab-absence.ts';
import { labHost } from '../testing/lab-host.ts';
import { LabGuest, type LabRuntime, Random } from '../testing/lab-runtime.ts';

describe.each(v86Packages)('a guest that waits, on npm package %s', { timeout: 60_000 }, (name) => {
  let runtime: LabRuntime;
  let guest: LabGuest;
  beforeAll(async () => {
    runtime = await loadLabRuntime(name);
  }, 120_000);
  afterEach(() => guest.machine.destroy());

  const until = async (condition: () => boolean) => {
    while (!condition()) {
      expect(guest.host.crash).toBeUndefined();
      await sleep(1);
    }
  };
  const rounds = () => guest.host.serial.match(/round/g)?.length ?? 0;
  const greetings = () => guest.host.serial.match(/absent\n/g)?.length ?? 0;

  /** Boots, and takes all memory above 1 MiB away. */
  async function bootAndWait(): Promise<LabAbsence> {
    const host = labHost(labFirmware, { ...bareMachine, multiboot: { url: 'kept:multiboot' } });
    host.kept.set('image.multiboot', projectFile('src/runtime/testing/guests/absent.bin'));
    guest = await LabGuest.boot(runtime, host);
    guest.machine.run();
    await until(() => greetings() === 1);
    guest.machine.commands.consoleInput('serial0', new TextEncoder().encode('n'));
    await until(() => rounds() > 1);
    guest.machine.stop();
    const random = new Random(1);
    const absence = new LabAbsence({ guest, random, isAbsent: (page) => page >= 256 });
    guest.machine.run();
    await until(() => absence.lazyRam.waitsFor !== undefined);
    return absence;
  }

  it('makes no step until its page is there, and then continues by itself', async () => {
    const absence = await bootAndWait();
    const { machine } = guest;
    const waitsFor = absence.lazyRam.waitsFor ?? 0;
    expect([...absence.wanted]).toContain(waitsFor);
    const before = machine.instructionCounter();
    // Keys wake idle guests. An interrupt asks for what its delivery needs.
    machine.commands.consoleInput('serial0', Uint8Array.of(10));
    await sleep(30);
    const { wants } = absence;
    absence.arrive(absence.absentPages.filter((page) => page !== waitsFor));
    await sleep(30);
    expect(machine.instructionCounter()).toBe(before);
    expect(absence.wants, 'it tried again').toBe(wants);
    expect(absence.lazyRam.waitsFor).toBe(waitsFor);
    const finished = rounds();
    absence.arrive([waitsFor]);
    await until(() => rounds() > finished + 1);
    expect(absence.lazyRam.waitsFor).toBeUndefined();
  });

  it('is stopped and continued meanwhile', async () => {
    const absence = await bootAndWait();
    const finished = rounds();
    guest.machine.stop();
    absence.end();
    await sleep(20);
    expect(rounds()).toBe(finished);
    expect(guest.machine.running).toBe(false);
    guest.machine.run();
    await until(() => rounds() > finished + 1);
  });

  it('does not wait any more after a reset', async () => {
    const absence = await bootAndWait();
    guest.machine.commands.reset();
    expect(absence.lazyRam.waitsFor).toBeUndefined();
    await until(() => {
      // The firmware also uses memory above 1 MiB.
      absence.turn(0);
      return greetings() === 2;
    });
  });

  it('waits for nothing once all is there', async () => {
    const absence = await bootAndWait();
    absence.end();
    expect(absence.lazyRam.waitsFor).toBeUndefined();
    const { absent_pages: global } = guest.cpu.wm.exports;
    expect((global as unknown as WebAssembly.Global<'i32'>).value).toBe(0);
    const finished = rounds();
    await until(() => rounds() > finished + 1);
    expect(absence.broughtNow).toEqual([]);
  });
});
