/** Reports failed reads to the guest. v86's disks can only succeed. */
import type { DriveName } from '../../protocol/config.ts';

/** ATA and ATAPI registers, ATA/ATAPI-6, section 6.2 and 6.7. */
const status = { ready: 0x40, seekComplete: 0x10, error: 0x01 } as const;
const errorUncorrectable = 0x40;
/** Bus master status register: active, error. */
const busMaster = { active: 0x01, error: 0x02 } as const;
const packetCommand = 0xa0;
/** SPC-3, section 4.5.6: sense key and additional sense code. */
const sense = { mediumError: 0x03, unrecoveredRead: 0x11 } as const;
/** µPD765: abnormal termination; data error in ST1 and ST2. */
const floppy = { abnormal: 0x40, dataError: 0x20 } as const;

/**
 * Ends the drive's present operation with a read error. v86's callback must still be called; it is
 * ignored.
 */
export function failRead(cpu: V86Cpu, device: DriveName): void {
  if (device === 'fda' || device === 'fdb') {
    cpu.devices.fdc?.end_read_write(floppy.abnormal, floppy.dataError, floppy.dataError);
    return;
  }
  const drive = ideDrive(cpu, device);
  // Empty if the guest has reset the drive in between: then it waits for nothing.
  if (!drive?.in_progress_io_ids.size) return;
  drive.cancel_io_operations();
  const { channel } = drive;
  if (drive.current_command === packetCommand) {
    drive.atapi_check_condition_response(sense.mediumError, sense.unrecoveredRead);
  } else {
    drive.error_reg = errorUncorrectable;
    drive.status_reg = status.ready | status.seekComplete | status.error;
    drive.current_command = -1;
  }
  if (channel.dma_status & busMaster.active)
    channel.dma_status = (channel.dma_status & ~busMaster.active) | busMaster.error;
  drive.push_irq();
}

export function ideDrive(
  { devices }: V86Cpu,
  device: 'hda' | 'hdb' | 'cdrom',
): V86IdeInterface | undefined {
  if (device === 'cdrom') return devices.cdrom;
  return device === 'hda' ? devices.ide?.primary?.master : devices.ide?.primary?.slave;
}
