/**
 * Reads that drives wait for. A state holds the requests, and the runtime that loads it repeats
 * them. Closures of v86 process the answer, but the registers that led there are in its state.
 */

import { type DriveName, isFloppy } from '../../protocol/config.ts';
import type { DiskReadsSection } from '../../vmstate/sections.ts';
import { ideDrive } from './drive-error.ts';
import type { Operation } from './in-flight.ts';

type PendingRead = DiskReadsSection['reads'][number];
/** A read in a section, of a drive that this build knows. */
type KnownRead = Omit<PendingRead, 'device'> & { device: DriveName };

/** ATA-6, section 8: READ SECTOR(S), READ MULTIPLE, each also EXT; READ DMA, also EXT; PACKET. */
const pioReads: readonly number[] = [0x20, 0x24, 0x29, 0xc4];
const dmaReads: readonly number[] = [0xc8, 0x25];
const packet = 0xa0;
/** MMC-6: READ (10), READ (12). */
const packetReads: readonly number[] = [0x28, 0xa8];
/** In the features register of a packet command: transfer by DMA. */
const byDma = 1;
const floppyDma = 2;
const floppyAbnormal = 0x40;
/** SPC-3: not ready, medium not present. */
const sense = { notReady: 0x02, noMedium: 0x3a } as const;

/**
 * Bytes at a time that the guest requests in a packet command without DMA. They are in the
 * registers that the drive also answers in. So v86 has cleared them by the time a read waits.
 */
const byteLimits = new WeakMap<object, number>();
const patched = new WeakSet<object>();

/** Records the byte limits of a drive. @param drive any drive of the class */
export function noteByteLimits(drive: V86IdeInterface): void {
  // The drive itself is sealed.
  const drives = Object.getPrototypeOf(drive) as V86IdeInterface;
  if (patched.has(drives)) return;
  patched.add(drives);
  const read = drives.atapi_read;
  drives.atapi_read = function atapi_read(command) {
    byteLimits.set(this, ((this.lba_high_reg & 0xff) << 8) | (this.lba_mid_reg & 0xff));
    read.call(this, command);
  };
}

/** @returns undefined for an operation that cannot be repeated */
export function describeRead(cpu: V86Cpu, operation: Operation): PendingRead | undefined {
  const { device, start, length, isWrite } = operation;
  if (isWrite) return undefined;
  if (isFloppy(device)) {
    const { fdc } = cpu.devices;
    return fdc && { device, start, length, command: fdc.cmd_code };
  }
  const drive = ideDrive(cpu, device);
  if (!drive) return undefined;
  const { current_command: command } = drive;
  if (pioReads.includes(command) || dmaReads.includes(command))
    return { device, start, length, command };
  const isRead = command === packet && packetReads.includes(drive.current_atapi_command);
  const byteLimit = byteLimits.get(drive) ?? 0;
  return isRead ? { device, start, length, command, byteLimit } : undefined;
}

/**
 * Repeats a read. Call this after all other state is loaded.
 * @param disk the disk in the drive
 */
export function askAgain(cpu: V86Cpu, read: KnownRead, disk: V86Disk): void {
  const { device } = read;
  if (isFloppy(device)) askFloppy(cpu, read, disk);
  else askIde(cpu, device, read);
}

function askFloppy({ devices }: V86Cpu, { length, start, command }: PendingRead, disk: V86Disk) {
  const { fdc } = devices;
  if (!fdc || fdc.cmd_code !== command) return;
  const { dma } = fdc;
  // v86 advances it when it requests the read.
  dma.channel_addr[floppyDma] = (dma.channel_addr[floppyDma] ?? 0) - length;
  dma.do_read(disk, start, length, floppyDma, (hasFailed) => {
    if (hasFailed) {
      fdc.end_read_write(floppyAbnormal, 0, 0);
      return;
    }
    fdc.seek_next_sect();
    fdc.end_read_write(0, 0, 0);
  });
}

function askIde(cpu: V86Cpu, device: 'hda' | 'hdb' | 'cdrom', read: PendingRead): void {
  const drive = ideDrive(cpu, device);
  const { command, byteLimit = 0 } = read;
  // The parts of this state contradict each other: the guest gets no answer, and finally resets the
  // drive.
  if (!drive || drive.current_command !== command) return;
  if (!drive.buffer) {
    drive.atapi_check_condition_response(sense.notReady, sense.noMedium);
    drive.push_irq();
  } else if (pioReads.includes(command)) drive.ata_read_sectors(command);
  else if (dmaReads.includes(command)) drive.do_ata_read_sectors_dma();
  else if (command !== packet) return;
  else if (drive.features_reg & byDma) drive.atapi_read_dma(drive.data);
  else {
    drive.lba_mid_reg = byteLimit & 0xff;
    drive.lba_high_reg = byteLimit >> 8;
    drive.atapi_read(drive.data);
  }
}
