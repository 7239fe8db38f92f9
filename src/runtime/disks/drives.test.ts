/** The drives of a real v86, with a guest that reads and writes its floppy through the firmware. */
import { mkdtempSync, openAsBlob, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { floppyBootSector } from '../../../tools/guests/floppy/boot-sector.ts';
import { bareMachine, labFirmware, loadLabRuntime } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import type { DriveName, MachineConfig } from '../../protocol/config.ts';
import { type LabHost, labHost } from '../testing/lab-host.ts';
import { LabGuest, type LabRuntime, prepareLab } from '../testing/lab-runtime.ts';
import type { V86Runtime } from '../v86-runtime.ts';
import { Disk } from './disk.ts';
import type { DiskBase } from './disk-base.ts';
import { DiskWaits } from './disk-waits.ts';
import { DriveBuffer } from './drive-buffer.ts';
import { ideDrive } from './drive-error.ts';
import { InFlight } from './in-flight.ts';
import { Overlay } from './overlay.ts';
import { mapPieces } from './pieces.ts';

/** A guest that prints `letter` for each track it reads: see tools/guests/floppy. */
function floppyImage(letter: string): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(1440 * 1024).fill(letter.charCodeAt(0));
  image.fill(0, 0, 512);
  image.set(Buffer.from(floppyBootSector, 'base64'));
  image.set([0x55, 0xaa], 510);
  return image;
}

const labWith = (drives: Partial<MachineConfig>) =>
  labHost(labFirmware, { ...bareMachine, ...drives });
const diskOf = (machine: V86Runtime, device: DriveName) => machine.drives.buffer(device).disk;

/** Runs the guest until its console prints the text; other tasks get their turn in between. */
async function untilSays(guest: LabGuest, text: string): Promise<void> {
  const from = guest.host.serial.length;
  const limitMs = performance.now() + 20_000;
  while (!guest.host.serial.includes(text, from)) {
    await guest.run(100_003, 5);
    await new Promise(setImmediate);
    if (performance.now() > limitMs)
      throw new Error(`The guest did not say ${text}: ${guest.host.serial}`);
  }
}

type Drive = NonNullable<ReturnType<typeof ideDrive>>;

const runtimes = new Map<string, LabRuntime>();
beforeAll(async () => {
  for (const name of v86Packages) runtimes.set(name, await loadLabRuntime(name));
}, 120_000);

function named(name: string): LabRuntime {
  const runtime = runtimes.get(name);
  if (!runtime) throw new Error(`There is no ${name}.`);
  return runtime;
}

describe.each(v86Packages)('the drives of npm package %s', (packageName) => {
  const boot = (host: LabHost) => LabGuest.boot(named(packageName), host);
  const other = () => named(v86Packages.find((name) => name !== packageName) ?? packageName);

  it('boot from a file that takes time to read, and continue in another v86', {
    timeout: 60_000,
  }, async () => {
    const guest = await boot(labWith({ fda: { file: new Blob([floppyImage('A')]) } }));
    await untilSays(guest, 'AAA');
    await guest.handOver(other());
    await untilSays(guest, 'AAA');
    const disk = diskOf(guest.machine, 'fda');
    const [byte] = (await disk?.read((1 * 2 + 1) * 18 * 512, 1)) ?? [];
    expect(String.fromCharCode(byte ?? 0)).toBe('a');
    expect(guest.host.serial).not.toContain('!');
  });

  it('tell the guest when a file cannot be read any more', { timeout: 60_000 }, async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'holdfast-')), 'floppy.img');
    writeFileSync(path, floppyImage('A'));
    const guest = await boot(labWith({ fda: { file: await openAsBlob(path) } }));
    await untilSays(guest, 'A');
    writeFileSync(path, 'another file');
    await untilSays(guest, '!!');
    expect(guest.machine.blockers('restart')).toContainEqual(
      expect.objectContaining({ code: 'disk-changed', device: 'fda' }),
    );
    expect(guest.host.events).toContainEqual(
      expect.objectContaining({ type: 'disk', device: 'fda', state: 'failed' }),
    );
  });

  it('are what Holdfast takes them to be', async () => {
    const guest = await boot(
      labWith({ hda: { emptyBytes: 1 << 20 }, hdb: { emptyBytes: 1 << 20 } }),
    );
    const { fdc, cdrom, ide } = guest.cpu.devices;
    for (const name of ['end_read_write', 'seek_next_sect'] as const)
      expect(typeof fdc?.[name], `the floppy controller's ${name}`).toBe('function');
    expect(typeof fdc?.cmd_code, 'the command of the floppy controller').toBe('number');
    expect(typeof fdc?.dma.do_read, 'the DMA controller').toBe('function');
    expect(fdc?.dma.channel_addr, 'the DMA controller').toBeInstanceOf(Uint16Array);
    for (const drive of fdc?.drives ?? [])
      for (const name of ['insert_disk', 'eject_disk'] as const)
        expect(typeof drive[name], `a floppy drive's ${name}`).toBe('function');
    for (const drive of [cdrom, ide?.primary?.master, ide?.primary?.slave]) {
      for (const name of [
        'cancel_io_operations',
        'atapi_check_condition_response',
        'atapi_handle',
        'ata_read_sectors',
        'do_ata_read_sectors_dma',
        'atapi_read',
        'atapi_read_dma',
        'push_irq',
        'eject',
        'set_cdrom',
      ] as const)
        expect(typeof drive?.[name], `an IDE drive's ${name}`).toBe('function');
      for (const name of [
        'buffer',
        'status_reg',
        'error_reg',
        'features_reg',
        'lba_mid_reg',
        'lba_high_reg',
        'current_command',
        'current_atapi_command',
        'medium_changed',
      ])
        expect(drive, 'an IDE drive').toHaveProperty(name);
      expect(typeof drive?.in_progress_io_ids.size, 'the reads of an IDE drive').toBe('number');
      expect(typeof drive?.channel.dma_status, 'an IDE channel').toBe('number');
    }
  });

  describe('that are being read', () => {
    const contents = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7 + (i >> 9)) & 0xff);
    const file = () => ({ file: new Blob([contents]) });
    const [at, prdt, buffer] = [64 << 10, 0x9000, 0xa000];
    const sector = at / 512;

    /** The steps of a driver before it waits for the interrupt. */
    const ata = (drive: Drive, command: number) => {
      Object.assign(drive, {
        is_lba: 1,
        head: 0,
        lba_low_reg: sector & 0xff,
        lba_mid_reg: (sector >> 8) & 0xff,
        lba_high_reg: sector >> 16,
        sector_count_reg: 4,
      });
      drive.ata_command(command);
    };
    const packet = (drive: Drive, features: number) => {
      Object.assign(drive, { features_reg: features, lba_mid_reg: 0, lba_high_reg: 8 });
      drive.ata_command(0xa0);
      drive.data.set([0x28, 0, 0, 0, 0, at / 2048, 0, 0, 1, 0, 0, 0]);
      drive.atapi_handle();
    };
    /** One region of 2 KiB, and the channel starts. */
    const beginDma = (guest: LabGuest, { channel }: Drive) => {
      guest.memory(prdt, 8).set([0, buffer >> 8, 0, 0, 0, 8, 0, 0x80]);
      Object.assign(channel, { prdt_addr: prdt });
      channel.dma_write_command8(9);
    };
    const inBuffer = (guest: LabGuest) => Buffer.from(guest.memory(buffer, 2048));
    const inDrive = (_: LabGuest, drive: Drive) => Buffer.from(drive.data.subarray(0, 2048));

    type Ask = (guest: LabGuest, drive: Drive) => void;

    it.each<[string, 'hda' | 'cdrom', Ask, typeof inDrive]>([
      ['sectors', 'hda', (_, drive) => ata(drive, 0x20), inDrive],
      ['several sectors', 'hda', (_, drive) => ata(drive, 0xc4), inDrive],
      [
        'sectors by DMA',
        'hda',
        (guest, drive) => {
          ata(drive, 0xc8);
          beginDma(guest, drive);
        },
        inBuffer,
      ],
      ['a CD', 'cdrom', (_, drive) => packet(drive, 0), inDrive],
      [
        'a CD by DMA',
        'cdrom',
        (guest, drive) => {
          packet(drive, 1);
          beginDma(guest, drive);
        },
        inBuffer,
      ],
    ])('[DR1] are saved as what was asked, and asked again: %s', async (_, device, ask, answer) => {
      const host = labWith({ [device]: file() });
      const guest = await boot(host);
      const driveOf = (machine: V86Runtime) => ideDrive(machine.core.cpu, device) as Drive;
      const prepared = await prepareLab(other(), host, false);
      ask(guest, driveOf(guest.machine));
      expect(guest.machine.drives.inFlight.of(device)).toHaveLength(1);
      guest.memory(buffer, 2048).fill(0);
      expect(guest.machine.blockers('restart')).toEqual([]);
      const state = guest.machine.save();
      guest.machine.park();
      const next = prepared.load(state) as V86Runtime;
      guest.machine.destroy();
      expect(guest.machine.drives.inFlight.operations.size).toBe(0);
      expect(next.drives.inFlight.of(device)).toMatchObject([{ start: at, length: 2048 }]);
      await vi.waitFor(() => expect(next.drives.inFlight.operations.size).toBe(0));
      const drive = driveOf(next);
      const taken = {
        memory: (from: number, length: number) => next.core.cpu.mem8.subarray(from, from + length),
      };
      expect(answer(taken as LabGuest, drive)).toEqual(
        Buffer.from(contents.subarray(at, at + 2048)),
      );
      // Ready, and neither busy nor in error.
      expect(drive.status_reg & 0xc1).toBe(0x40);
      if (answer === inDrive && device === 'cdrom')
        expect([drive.lba_mid_reg, drive.lba_high_reg], 'how much there is to read').toEqual([
          0, 8,
        ]);
    });

    it('are not waited for, nor asked twice, when the guest goes back to a snapshot', async () => {
      const guest = await boot(labWith({ cdrom: file() }));
      const { machine } = guest;
      const drive = ideDrive(guest.cpu, 'cdrom') as Drive;
      const before = machine.capture();
      packet(drive, 0);
      const during = machine.capture();
      machine.revert(during, () => []);
      expect(machine.drives.inFlight.of('cdrom')).toHaveLength(1);
      machine.revert(before, () => []);
      expect(machine.drives.inFlight.of('cdrom')).toEqual([]);
      expect(drive.in_progress_io_ids.size).toBe(0);
    });

    it('are over when the medium is taken out', async () => {
      const guest = await boot(labWith({ cdrom: file() }));
      const drive = ideDrive(guest.cpu, 'cdrom') as Drive;
      packet(drive, 0);
      guest.machine.commands.ejectMedia?.('cdrom');
      expect(guest.machine.drives.inFlight.of('cdrom')).toEqual([]);
      expect(drive.status_reg & 0x81, 'not busy, and an error').toBe(1);
      guest.machine.save();
    });

    it('hold a state back only in the middle of a write, by name', async () => {
      const guest = await boot(labWith({ fda: { file: new Blob([floppyImage('A')]) } }));
      const written = vi.fn();
      guest.machine.drives.buffer('fda').set(700_000, new Uint8Array(100), written);
      const blocked = expect.objectContaining({
        code: 'blocked',
        message: expect.stringContaining('fda'),
      });
      expect(() => guest.machine.save()).toThrow(blocked);
      expect(guest.machine.blockers('restart')).toMatchObject([
        { code: 'operation-in-flight', device: 'fda' },
      ]);
      await vi.waitFor(() => expect(written).toHaveBeenCalled());
      guest.machine.save();
    });

    it('are asked again of a floppy', { timeout: 60_000 }, async () => {
      const host = labWith({ fda: { file: new Blob([floppyImage('A')]) } });
      const guest = await boot(host);
      const inFlight = () => guest.machine.drives.inFlight.of('fda').length;
      for (let rounds = 0; rounds < 4; rounds++) {
        const to = rounds % 2 ? named(packageName) : other();
        const prepared = await prepareLab(to, host, false);
        const limitMs = performance.now() + 20_000;
        while (inFlight() === 0) {
          await guest.run(10_007);
          if (inFlight() === 0) await new Promise(setImmediate);
          expect(performance.now()).toBeLessThan(limitMs);
        }
        guest.takeOver(prepared, to);
        await untilSays(guest, 'A');
      }
      expect(host.serial).not.toContain('!');
    });
  });

  it('keep what was written out of the vmstate', async () => {
    const { machine } = await boot(labWith({ hda: { emptyBytes: 8 << 20 } }));
    const before = machine.save().length;
    diskOf(machine, 'hda')?.write(0, new Uint8Array(4 << 20).fill(0xa5));
    expect(Math.abs(machine.save().length - before)).toBeLessThan(1024);
  });

  it('refuse the state of another disk before the guest is touched', async () => {
    const host = labWith({ hda: { emptyBytes: 8 << 20 } });
    const { machine } = await boot(host);
    const state = machine.save();
    diskOf(machine, 'hda')?.write(0, new Uint8Array(512));
    const untouched = machine.save();
    const prepared = await prepareLab(other(), host, false);
    machine.park();
    expect(() => prepared.load(state)).toThrow(
      expect.objectContaining({
        code: 'wrong-disk',
        message: expect.stringMatching(/0 writes.*1 writes/),
      }),
    );
    machine.unpark();
    expect(machine.save().length).toBe(untouched.length);
    expect(machine.disks()).toEqual([
      { device: 'hda', sizeBytes: 8 << 20, base: 'empty', generation: 1 },
    ]);
  });

  it('stay empty after the guest has opened the tray by itself', async () => {
    const host = labWith({ cdrom: { bytes: new Uint8Array(65536) } });
    const changed = vi.fn();
    host.driveChanged = changed;
    const guest = await boot(host);
    const { cdrom } = guest.cpu.devices;
    // START STOP UNIT: load or eject, stop.
    cdrom?.data.set([0x1b, 0, 0, 0, 2]);
    cdrom?.atapi_handle();
    await guest.handOver(other());
    expect(guest.machine.disks()).toEqual([]);
    expect(guest.cpu.devices.cdrom?.buffer).toBeNull();
    expect(changed).toHaveBeenCalledExactlyOnceWith('cdrom', undefined);
  });

  it('announce a changed CD to a guest that was handed over before it noticed', async () => {
    const guest = await boot(labWith({ cdrom: { bytes: new Uint8Array(65536) } }));
    await guest.machine.commands.changeMedia?.('cdrom', { bytes: new Uint8Array(131_072) });
    await guest.handOver(other());
    const { cdrom } = guest.cpu.devices;
    // TEST UNIT READY: perhaps "no medium", then "medium may have changed", then it is ready.
    const senses = [0, 1, 2].map(() => {
      cdrom?.data.fill(0, 0, 12);
      cdrom?.atapi_handle();
      return cdrom?.atapi_sense_key;
    });
    expect(senses).toContain(6);
    expect(senses.at(-1)).toBe(0);
    expect(cdrom?.buffer?.byteLength).toBe(131_072);
  });

  it('take a medium that was changed while the next runtime was made ready', async () => {
    const host = labWith({ fda: { bytes: floppyImage('A') } });
    const guest = await boot(host);
    await untilSays(guest, 'A');
    const prepared = await prepareLab(other(), host, false);
    await guest.machine.commands.changeMedia?.('fda', { bytes: floppyImage('B') });
    await guest.machine.quiesce();
    const state = guest.machine.save();
    guest.machine.park();
    const next = prepared.load(state) as V86Runtime;
    expect(diskOf(next, 'fda')?.readNow(1024, 1)?.[0]).toBe('B'.charCodeAt(0));
    expect(next.core.cpu.devices.fdc?.drives[0]?.buffer).toBe(next.drives.buffer('fda'));
  });
});

it('an answer for a runtime that was replaced is dropped', async () => {
  let answer: (bytes: Uint8Array) => void = () => undefined;
  const base: DiskBase = {
    sizeBytes: 4096,
    readNow: () => undefined,
    read: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  };
  const inFlight = new InFlight();
  const waits = new DiskWaits(labHost({}));
  const buffer = new DriveBuffer({
    device: 'hda',
    inFlight,
    waits,
    wake: vi.fn(),
    failed: vi.fn(),
  });
  buffer.insert(new Disk(base, new Overlay(mapPieces(new Map(), 'disk'))));
  const done = vi.fn();
  buffer.get(0, 512, done);
  buffer.connect(false);
  answer(new Uint8Array(512));
  await vi.waitFor(() => expect(inFlight.operations.size).toBe(0));
  expect(done).not.toHaveBeenCalled();
});

it('a read that is asked again is answered after the guest was loaded, not during that', async () => {
  const base: DiskBase = {
    sizeBytes: 4096,
    readNow: (_, length) => new Uint8Array(length),
    read: async (_, length) => new Uint8Array(length),
  };
  const inFlight = new InFlight();
  const buffer = new DriveBuffer({
    device: 'hda',
    inFlight,
    waits: new DiskWaits(labHost({})),
    wake: vi.fn(),
    failed: vi.fn(),
  });
  buffer.insert(new Disk(base, new Overlay(mapPieces(new Map(), 'disk'))));
  const done = vi.fn();
  buffer.answeringLater(() => buffer.get(0, 512, done));
  expect(done).not.toHaveBeenCalled();
  expect(inFlight.operations.size).toBe(1);
  await vi.waitFor(() => expect(done).toHaveBeenCalledOnce());
  buffer.get(0, 512, done);
  expect(done).toHaveBeenCalledTimes(2);
});
