/**
 * Linux continues with only the pages that it used last. The others arrive one at a time in random
 * order, through live updates in the middle of a wait.
 */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { labFirmware, loadLabRuntime, projectFile } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { LabAbsence } from '../testing/lab-absence.ts';
import { type LabHost, labHost } from '../testing/lab-host.ts';
import { LabClock, LabGuest, type LabRuntime, Random } from '../testing/lab-runtime.ts';

const linux = JSON.parse(
  new TextDecoder().decode(projectFile('public/guests/linux/guest.json')),
) as { initrd: string; cmdline: string; prompt: string };
const memoryMiB = 96;
const stride = 20_000;
const firstMiB = 256;

const lines = Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join('');
const sum = createHash('md5').update(lines).digest('hex');
const work = [
  'i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); done > /tmp/lines; md5sum /tmp/lines',
  'cp /tmp/lines /mnt/ && md5sum /mnt/lines; rm /mnt/lines',
  'gzip -c /tmp/lines | gunzip | md5sum & md5sum /tmp/lines; wait',
] as const;

describe('Linux whose memory arrives late', () => {
  const runtimes: LabRuntime[] = [];
  beforeAll(async () => {
    for (const name of v86Packages) runtimes.push(await loadLabRuntime(name));
  }, 120_000);

  async function run(guest: LabGuest): Promise<void> {
    guest.machine.input.pump();
    await guest.run(stride);
    expect(guest.host.crash, 'the runtime crashed').toBeUndefined();
  }

  async function boot(host: LabHost, runtime: LabRuntime): Promise<LabGuest> {
    const guest = await LabGuest.boot(runtime, host);
    for (let i = 0; !host.serial.includes(linux.prompt); i++) {
      await run(guest);
      if (i % 8 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    return guest;
  }

  it('computes the same, and is handed over while it waits', { timeout: 400_000 }, async () => {
    const images = {
      ...labFirmware,
      bzImage: projectFile('public/guests/linux/bzImage'),
      initrd: projectFile(`public/guests/linux/${linux.initrd}`),
    };
    const host = labHost(images, { memoryMiB, cmdline: linux.cmdline });
    host.clock = new LabClock().read;
    const guest = await boot(host, runtimes[0] as LabRuntime);
    const random = new Random(9);
    let handOvers = 0;
    for (const command of work) {
      const recent = new Set(guest.machine.recentPages());
      const absence = new LabAbsence({
        guest,
        random,
        isAbsent: (page) => page >= firstMiB && !recent.has(page),
      });
      host.serial = '';
      guest.machine.commands.consoleInput('serial0', new TextEncoder().encode(`${command}\n`));
      let isHandedOver = false;
      for (let turns = 0; !host.serial.includes(linux.prompt); turns++) {
        await run(guest);
        const isWaiting = absence.lazyRam.waitsFor !== undefined;
        if (isWaiting && !isHandedOver && absence.waitedFor.length > 25) {
          isHandedOver = true;
          await guest.handOver(runtimes[++handOvers % 2] as LabRuntime);
          absence.attach();
        }
        absence.turn(turns % 4 === 0 ? 1 : 0);
        if (turns % 8 === 0) await new Promise((resolve) => setTimeout(resolve));
        if (turns > 100_000) throw new Error(`It stands still.\n${host.serial}`);
      }
      expect(host.serial).toContain(sum);
      expect(absence.waitedFor.length).toBeGreaterThan(25);
      absence.end();
    }
    expect(handOvers).toBe(work.length);
  });
});
