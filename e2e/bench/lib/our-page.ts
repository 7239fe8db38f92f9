/** Runs in the playground before its own script does. */
import type { Machine } from '../../../src/client/types.ts';
import type { RuntimeSource } from '../../../src/protocol/runtime-source.ts';
import { type GuestPage, sendProgram, timeCommand } from './guest-page.ts';
import { Meter } from './meter.ts';
import { measureCheckpoints } from './our-checkpoint.ts';
import { measureMoves } from './our-migration.ts';
import { measureRestart } from './our-restart.ts';
import { sendingPage } from './our-sending.ts';
import { connected, playground, serialOutput } from './playground-console.ts';
import { scanGBps } from './scan-speed.ts';

const page: GuestPage = {
  console: serialOutput,
  type: async (text) => (await connected).consoleInput('serial0', text),
  read: async (address, length) => (await connected).readMemory(address, length),
  write: async (address, bytes) => (await connected).writeMemory(address, bytes),
};

/** Resolves as soon as a guest exists: before, no call would be answered. */
function hasGuest(machine: Machine): Promise<void> {
  return new Promise((resolve) => {
    const stop = machine.on('status', ({ status }) => {
      if (status.runstate !== 'running') return;
      stop();
      resolve();
    });
    if (machine.status?.runstate === 'running') resolve();
  });
}

const bench = {
  connected,
  page,
  meter: new Meter(page),
  timeCommand: (command: string) => timeCommand(page, command),
  measureRestart: async (runtime: RuntimeSource) =>
    measureRestart(await connected, bench.meter, runtime),
  measureCheckpoints: async (count: number) =>
    measureCheckpoints(await connected, bench.meter, count),
  measureMoves: async (runtimes: readonly RuntimeSource[], count: number) =>
    measureMoves(await connected, bench.meter.addresses, runtimes, count),
  sending: sendingPage(connected),
  scanGBps,
  startProgram: async (name: string, program: readonly number[]) => {
    await sendProgram(page, `/tmp/${name}`, Uint8Array.from(program));
    await timeCommand(page, `/tmp/${name} & sleep 1`);
  },
  /**
   * @returns times from the start of the navigation, ms: to the guest's first progress after its
   * resume, by its own log, and until this page saw progress
   */
  async resumedMs(addresses: number[]): Promise<{ guestMs: number; seenMs: number }> {
    const machine = await connected;
    bench.meter.addresses = addresses;
    await hasGuest(machine);
    const { batches } = await bench.meter.sample();
    while ((await bench.meter.sample()).batches === batches);
    const seenMs = performance.now();
    const { startSource } = machine.status ?? {};
    if (startSource?.kind !== 'resumed') throw new Error('The guest was not resumed.');
    const firstMs = await bench.meter.firstProgressMs(startSource.resumedAtMs);
    return { guestMs: firstMs - performance.timeOrigin, seenMs };
  },
  /**
   * @returns time from the start of the navigation until terminal and screen were painted, `text`
   * in the terminal, ms
   */
  async shownMs(text: string): Promise<number> {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const isThere = () =>
      playground()?.terminalText().includes(text) && playground()?.screenText().trim() !== '';
    while (!isThere()) await frame();
    // This frame draws it; in the next one it is on the screen.
    await frame();
    return performance.now();
  },
};

type OurBench = typeof bench;

declare global {
  interface Window {
    ours: OurBench;
  }
}

window.ours = bench;
