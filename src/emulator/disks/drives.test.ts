/** The drives of a real v86, with a guest that reads and writes its floppy through the firmware. */
import { mkdtempSync, openAsBlob, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { floppyBootSector } from '../../../tools/guests/floppy/boot-sector.ts';
import { bareMachine, labFirmware, loadLabRuntime } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import type { DriveName, MachineConfig } from '../../protocol/config.ts';
import { type LabHost, labHost } from '../lab-host.ts';
import { LabGuest, type LabRuntime, prepareLab } from '../lab-runtime.ts';
import type { Machine } from '../machine.ts';
import { Disk } from './disk.ts';
import type { DiskBase } from './disk-base.ts';
import { DriveBuffer } from './drive-buffer.ts';
import { InFlight } from './in-flight.ts';
import { Overlay } from './overlay.ts';
import { mapPieces } from './pieces.ts';

/** A guest that says `letter` for each track it reads: see tools/guests/floppy. */
function floppyImage(letter: string): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(1440 * 1024).fill(letter.charCodeAt(0));
  image.fill(0, 0, 512);
  image.set(Buffer.from(floppyBootSector, 'base64'));
  image.set([0x55, 0xaa], 510);
  return image;
}

const labWith = (drives: Partial<MachineConfig>) =>
  labHost(labFirmware, { ...bareMachine, ...drives });
const diskOf = (machine: Machine, device: DriveName) => machine.drives.buffer(device).disk;

/** Runs the guest until its console says something new; what it waits for gets its turn between. */
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

  it('boot from a file that takes time to read, and go on in another v86', {
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
    expect(typeof fdc?.end_read_write, 'the floppy controller').toBe('function');
    for (const drive of fdc?.drives ?? [])
      for (const name of ['insert_disk', 'eject_disk'] as const)
        expect(typeof drive[name], `a floppy drive's ${name}`).toBe('function');
    for (const drive of [cdrom, ide?.primary?.master, ide?.primary?.slave]) {
      for (const name of [
        'cancel_io_operations',
        'atapi_check_condition_response',
        'atapi_handle',
        'push_irq',
        'eject',
        'set_cdrom',
      ] as const)
        expect(typeof drive?.[name], `an IDE drive's ${name}`).toBe('function');
      for (const name of ['buffer', 'status_reg', 'error_reg', 'current_command', 'medium_changed'])
        expect(drive, 'an IDE drive').toHaveProperty(name);
      expect(typeof drive?.in_progress_io_ids.size, 'the reads of an IDE drive').toBe('number');
      expect(typeof drive?.channel.dma_status, 'an IDE channel').toBe('number');
    }
  });

  it('give no state away while one of them is being read', async () => {
    const { machine } = await boot(labWith({ hda: { file: new Blob([new Uint8Array(1 << 20)]) } }));
    let read: Uint8Array | undefined;
    machine.drives.buffer('hda').get(512 << 10, 512, (bytes) => {
      read = bytes;
    });
    expect(() => machine.save()).toThrow(expect.objectContaining({ code: 'blocked' }));
    await machine.quiesce();
    expect(read?.length).toBe(512);
    machine.save();
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
    const next = prepared.load(state) as Machine;
    expect(diskOf(next, 'fda')?.readNow(1024, 1)?.[0]).toBe('B'.charCodeAt(0));
    expect(next.shell.cpu.devices.fdc?.drives[0]?.buffer).toBe(next.drives.buffer('fda'));
  });
});

it('an answer for a runtime that is not in charge any more comes to nothing', async () => {
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
  const buffer = new DriveBuffer({ device: 'hda', inFlight, wake: vi.fn(), failed: vi.fn() });
  buffer.insert(new Disk(base, new Overlay(mapPieces(new Map(), 'disk'))));
  const done = vi.fn();
  buffer.get(0, 512, done);
  buffer.connect(false);
  answer(new Uint8Array(512));
  expect(await inFlight.whenIdle(1000)).toBe(true);
  expect(done).not.toHaveBeenCalled();
});
