/** Workloads of a guest whose browser is killed, and the conditions that hold after its resume. */

import { prompt } from '../support/linux-guest.ts';
import {
  expect,
  type Guest,
  inspectPattern,
  patternGuest,
  type Runtimes,
} from '../support/test.ts';
import { expectWholeLog, startLog, stopLog } from './disk-log.ts';
import { expectWholeFileSystem, fileSystemBytes, startFileSystemLog } from './file-system-log.ts';

export const workloadNames = ['boot', 'idle', 'ram', 'disk'] as const;
export type WorkloadName = (typeof workloadNames)[number];

/** Data that the checks need beside the guest. */
export interface Lab {
  runtimes: Runtimes;
  /** URL of e2e/support/in-page.ts on the site. */
  inPage: string;
}

export interface Workload {
  /** Query of the page's address. */
  query: string;
  /** The kill comes at a random moment between these two, ms. */
  killMs: readonly [number, number];
  /**
   * Killed while it boots: the round does not wait for anything, and each one begins without a
   * guest.
   */
  fromNothing?: boolean;
  /** Starts the workload in a guest that boots. It continues by itself in later lives. */
  begin(guest: Guest, lab: Lab): Promise<void>;
  /** Checks a guest that was resumed, or that booted because nothing was in storage yet. */
  verify(guest: Guest, lab: Lab): Promise<void>;
}

/** Leaves a guest's uptime on its console ten times a second, numbered by a counter in its RAM. */
const countUp = `(n=0
while :; do
  n=$((n+1)); echo $n >/tmp/n
  read up _ </proc/uptime; echo "tick $n $up" >/dev/ttyS0
  usleep 100000
done) >/dev/null 2>&1 &`;

async function startCounting(guest: Guest): Promise<void> {
  await guest.execute(countUp);
  await guest.waitForSerial(/tick \d+ /);
}

/**
 * RAM and console are of one moment: the counter in RAM continues from the last tick on the
 * console.
 */
async function expectCountedOn(guest: Guest): Promise<void> {
  const from = await guest.serial.end();
  await guest.waitForSerial(/tick \d+ [\d.]+\r\n[\s\S]*tick \d+ [\d.]+\r\n/, { from });
  const ticks = [...(await guest.serial.log()).matchAll(/tick (\d+) [\d.]+\r\n/g)].map(numberOf);
  const broken = ticks.findIndex(
    (tick, index) => index > 0 && tick !== (ticks[index - 1] ?? 0) + 1,
  );
  expect(broken, `ticks ${ticks.slice(Math.max(0, broken - 2), broken + 3)}`).toBe(-1);
}

const numberOf = (match: RegExpMatchArray) => Number(match[1]);

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  boot: {
    query: '',
    killMs: [0, 8000],
    fromNothing: true,
    begin: () => Promise.resolve(),
    verify: async (guest) => {
      await guest.waitForSerial(prompt, { timeout: 60_000 });
      expect((await guest.run('echo alive')).output).toBe('alive\n');
    },
  },
  idle: {
    query: '',
    killMs: [500, 5000],
    begin: async (guest) => {
      await guest.waitForSerial(prompt);
      await startCounting(guest);
    },
    verify: expectCountedOn,
  },
  ram: {
    query: patternGuest.guestQuery,
    killMs: [500, 5000],
    begin: async (guest) => {
      await guest.waitForSerial(patternGuest.guestReady);
    },
    verify: async (guest, { inPage }) => {
      await guest.machine((machine) => machine.pause());
      expect(await inspectPattern(guest, inPage)).toMatchObject({ ok: true });
      const from = await guest.serial.end();
      await guest.machine((machine) => machine.resume());
      await guest.waitForSerial(/pass \d+\r/, { from });
      // If it were killed a moment later it would rightly resume in this state, paused by this
      // check.
      await guest.machine((machine) => machine.checkpoint());
    },
  },
  disk: {
    query: '',
    killMs: [500, 5000],
    begin: async (guest, { runtimes }) => {
      await startLog(guest, runtimes, fileSystemBytes);
      await startFileSystemLog(guest);
      await startCounting(guest);
    },
    verify: async (guest) => {
      await expectCountedOn(guest);
      await stopLog(guest);
      await expectWholeLog(guest);
      await expectWholeFileSystem(guest);
      await guest.execute('kill -CONT $(cat /tmp/writer)');
    },
  },
};
