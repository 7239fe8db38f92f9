import { beforeEach, expect, test } from 'vitest';
import { cpuStatesFloppy } from '../../../tools/guests/cpu-states/cpu-states.ts';
import {
  bareMachine,
  labFirmware,
  loadLabRuntime,
  projectFile,
} from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { labHost } from '../testing/lab-host.ts';
import { LabGuest } from '../testing/lab-runtime.ts';
import { GuestClock } from './guest-clock.ts';
import { yieldToEventLoop } from './yield-to-event-loop.ts';

let realMs: number;
let clock: GuestClock;

/** As SeaBIOS loads channel 2: 1.7 ms. */
const measure = () => {
  clock.pit = {
    counter_mode: [3, 3, 0],
    counter_start_time: [0, 0, clock.now()],
    counter_start_value: [0, 0, 0x800],
  };
};

beforeEach(() => {
  realMs = 1000;
  clock = new GuestClock(() => realMs);
});

test('is the computer’s', () => {
  expect(clock.now()).toBe(1000);
  realMs += 500;
  expect(clock.now()).toBe(1500);
});

test('hides that the processor was away while the guest measures time, and makes up for it', () => {
  measure();
  realMs += 300;
  expect(clock.now()).toBeCloseTo(1000.05, 6);
  for (let i = 0; i < 100; i++) {
    realMs += 0.01;
    clock.now();
  }
  expect(clock.now()).toBeCloseTo(1001.05, 6);
  realMs += 300;
  const late = clock.now();
  expect(late).toBeCloseTo(1001.1, 6);
  for (let i = 0; i < 100; i++) {
    realMs += 0.01;
    clock.now();
  }
  expect(clock.now()).toBeCloseTo(realMs, 6);
});

test('never goes back, and never stands', () => {
  measure();
  let lastMs = clock.now();
  for (const stepMs of [0.001, 50, 0.002, 0.5, 3000, 0.001, 10, 0.1]) {
    realMs += stepMs;
    const nowMs = clock.now();
    expect(nowMs).toBeGreaterThan(lastMs);
    lastMs = nowMs;
  }
});

test('lets time pass for a guest that waits for an interrupt while it measures', () => {
  measure();
  realMs += 1;
  clock.resume();
  expect(clock.now()).toBeCloseTo(1001, 6);
});

test('gives up on a guest that measures for too long', () => {
  measure();
  realMs += 2500;
  expect(clock.now()).toBeCloseTo(3500, 6);
});

test('SeaBIOS finds its disks though the processor is away whenever it begins to measure', async () => {
  const runtime = await loadLabRuntime(v86Packages[0] as string);
  const fda = cpuStatesFloppy(projectFile('src/runtime/testing/guests/cpu-states.bin'));
  // Its data take a while to come.
  const host = labHost(labFirmware, { ...bareMachine, fda: { file: new Blob([fda]) } });
  let guest: LabGuest | undefined;
  let nowMs = 1000;
  let begunMs: number | undefined;
  let stalls = 0;
  host.clock = () => {
    nowMs += 0.0005;
    const pit = guest?.cpu.devices.pit;
    const startMs = pit?.counter_mode[2] === 0 ? pit.counter_start_time[2] : undefined;
    if (startMs !== undefined && startMs !== begunMs) {
      nowMs += 100;
      stalls++;
    }
    begunMs = startMs;
    return nowMs;
  };
  guest = await LabGuest.boot(runtime, host);
  for (let i = 0; i < 50_000 && !host.serial.includes('cpu-states'); i++) {
    await guest.run(5_000);
    nowMs += 2;
    await yieldToEventLoop();
  }
  expect(host.serial).toContain('cpu-states');
  // "No bootable device. Retrying in 60 seconds."
  expect(host.resets).toBe(0);
  expect(stalls).toBeGreaterThan(0);
});
