/**
 * Proves write tracking: a page of RAM that changed between two checks was marked. Compares page by page
 * with a copy, over real guests, with each v86 that ships.
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
import { pageBytes } from '../../protocol/page-bytes.ts';
import { type LabHost, labHost } from '../testing/lab-host.ts';
import { LabClock, LabGuest, type LabRuntime } from '../testing/lab-runtime.ts';

const linux = JSON.parse(
  new TextDecoder().decode(projectFile('public/guests/linux/guest.json')),
) as { initrd: string; cmdline: string; prompt: string };
/** Instructions between two resumes of the guest. */
const stride = 20_000;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Compares all of RAM with a copy repeatedly, and with the marks. */
class Watch {
  readonly guest: LabGuest;
  looks = 0;
  changedPages = 0;
  /** Smallest number of marked pages in one check. */
  leastNoted = Number.POSITIVE_INFINITY;
  readonly #copy: Buffer;

  constructor(guest: LabGuest) {
    this.guest = guest;
    this.#copy = Buffer.from(this.#ram());
    this.writes.reset();
  }

  #ram(): Buffer {
    const { buffer, byteOffset, length } = this.guest.cpu.mem8;
    return Buffer.from(buffer, byteOffset, length);
  }

  get writes() {
    const { writes } = this.guest.machine;
    if (!writes) throw new Error('This v86 does not track writes.');
    return writes;
  }

  /** Fails if a page has changed without a mark. */
  look(): void {
    const { writes } = this;
    writes.collect();
    const { address, pages } = writes.map;
    const notes = new Uint8Array(this.guest.host.memory.buffer, address, pages);
    const ram = this.#ram();
    const missed: string[] = [];
    let noted = 0;
    for (let page = 0; page < pages; page++) {
      const start = page * pageBytes;
      const end = start + pageBytes;
      if (notes[page]) noted++;
      if (ram.compare(this.#copy, start, end, start, end) === 0) continue;
      this.changedPages++;
      if (!notes[page]) missed.push(`0x${start.toString(16)}`);
      ram.copy(this.#copy, start, start, end);
    }
    writes.reset();
    this.looks++;
    this.leastNoted = Math.min(this.leastNoted, noted);
    expect(missed, `pages that changed and were not noted, look ${this.looks}`).toEqual([]);
  }

  /** Runs the guest until `done`, with a check after every few strides. */
  async run(done: () => boolean, stridesPerLook: number): Promise<void> {
    for (let strides = 1; !done(); strides++) {
      this.guest.machine.input.pump();
      await this.guest.run(stride);
      if (strides % 8 === 0) await turn();
      if (strides % stridesPerLook === 0) this.look();
      expect(this.guest.host.crash, 'the runtime crashed').toBeUndefined();
    }
    this.look();
  }

  async strides(count: number, stridesPerLook: number): Promise<void> {
    let left = count;
    await this.run(() => left-- <= 0, stridesPerLook);
  }
}

async function boot(runtime: LabRuntime, host: LabHost): Promise<Watch> {
  host.clock = new LabClock().read;
  return new Watch(await LabGuest.boot(runtime, host));
}

const commands = [
  'dd if=/dev/urandom of=/tmp/noise bs=64k count=8 2>/dev/null; md5sum /tmp/noise',
  'mkdir -p /mnt/s; mount -t 9p -o trans=virtio,version=9p2000.L host9p /mnt/s && cp /tmp/noise /mnt/s && md5sum /mnt/s/noise; umount /mnt/s',
  'for i in 1 2 3 4; do (x=0; while [ $x -lt 50 ]; do x=$((x+1)); done) & done; wait',
  'gzip -c /tmp/noise | gunzip | cmp - /tmp/noise; rm /tmp/noise',
];

describe('no write of a guest goes unnoted', () => {
  const runtimes: LabRuntime[] = [];

  beforeAll(async () => {
    for (const name of v86Packages) runtimes.push(await loadLabRuntime(name));
  }, 120_000);

  describe.each(v86Packages.map((name, index) => ({ name, index })))('by $name', ({ index }) => {
    const runtime = () => runtimes[index] as LabRuntime;

    // Real mode and firmware, paging with and without PAE, each kind of DMA, VGA memory.
    it.each(Object.keys(cpuStates) as CpuStateName[])(
      'in the CPU state %s',
      { timeout: 120_000 },
      async (name) => {
        const disks = /ide|atapi/.test(name)
          ? { hda: cpuStatesDisk(4 << 20), cdrom: cpuStatesDisk(2 << 20) }
          : {};
        const fda = cpuStatesFloppy(projectFile('src/runtime/testing/guests/cpu-states.bin'));
        const host = labHost(
          { ...labFirmware, ...disks, fda },
          { ...bareMachine, acpi: name === 'apic-timer' },
        );
        const watch = await boot(runtime(), host);
        await watch.run(() => host.serial.includes('cpu-states\r\n'), 20);
        watch.guest.machine.commands.consoleInput('serial0', bytesOf(cpuStates[name]));
        const rounds = () => cpuStateStatus(watch.guest.memory)?.rounds ?? 0;
        const goal = rounds() + 3;
        await watch.run(() => rounds() >= goal, 3);
        expect(watch.changedPages).toBeGreaterThan(20);
      },
    );

    it('in a guest that writes all of its memory, through a reset and writes of the host', {
      timeout: 120_000,
    }, async () => {
      const fda = projectFile('public/guests/pattern/graphics.img');
      const watch = await boot(runtime(), labHost({ ...labFirmware, fda }, bareMachine));
      await watch.run(() => watch.changedPages > 4 * 16 * 256, 20);
      watch.guest.machine.commands.reset();
      watch.look();
      await watch.strides(40, 5);
      watch.guest.machine.commands.writeMemory(0x123ffe, Uint8Array.of(1, 2, 3, 4));
      watch.look();
    });

    it('in Linux: its boot, processes, a 9p share, and a live update', {
      timeout: 300_000,
    }, async () => {
      const images = {
        ...labFirmware,
        bzImage: projectFile('public/guests/linux/bzImage'),
        initrd: projectFile(`public/guests/linux/${linux.initrd}`),
      };
      const host = labHost(images, { memoryMiB: 96, cmdline: linux.cmdline });
      const watch = new Watch(await LabGuest.boot(runtime(), host));
      const prompt = () => host.serial.includes(linux.prompt);
      await watch.run(prompt, 200);
      const work = async () => {
        for (const command of commands) {
          host.serial = '';
          watch.guest.machine.commands.consoleInput('serial0', bytesOf(`${command}\n`));
          await watch.run(prompt, 50);
        }
      };
      await work();
      await watch.guest.handOver(runtimes[1 - index] as LabRuntime);
      // Before its first reset a runtime marks nothing reliably; RAM has not changed either.
      watch.writes.invalidate();
      watch.look();
      expect(watch.changedPages).toBeGreaterThan(2000);
      await work();
      // Marks only help while most pages have none.
      expect(watch.leastNoted).toBeLessThan(96 * 256 * 0.1);
    });
  });
});
