/**
 * Buffers that v86's devices make as large as the guest's largest transfer so far. A state holds only
 * the part that the devices still need, and all zeros of that part. So the size of a state
 * bounds the memory that loading it takes. See docs/spec/vmstate.md, rules DV3 and VL6.
 */
import type { Value } from '../../vmstate/value.ts';

/** Elements of v86's state of the CPU. */
const cpuState = { share: 45, cdrom: 56, disk: 57, ide: 85 } as const;
const driveState = { data: 16, dataLength: 17 } as const;
const shareState = { messageSize: 5, replyBuffer: 6 } as const;

/** Initial buffer sizes of a drive and a 9p device in v86. */
const driveBufferBytes = 65_536;
const replyBufferBytes = 16_384;
/** v86's own limit. */
const replyBufferLimit = 16 << 20;

const isList = (value: Value | undefined): value is Value[] => Array.isArray(value);

function drivesOf(cpu: readonly Value[]): Value[][] {
  const ide = cpu[cpuState.ide];
  const channels = [...(isList(ide) ? ide : []), cpu[cpuState.cdrom], cpu[cpuState.disk]];
  return channels.filter(isList).flatMap((channel) => channel.slice(0, 2).filter(isList));
}

/**
 * Cuts a buffer to the present transfer. If that is longer than a drive's first buffer, a nonzero
 * word follows: zeros before it are then stored. A drive accepts a longer buffer.
 */
function cutDriveBuffer(drive: Value[]): void {
  const buffer = drive[driveState.data];
  if (!(buffer instanceof Uint8Array) || buffer.length <= driveBufferBytes) return;
  // Whole words: v86 reads it through views of 32 bits.
  const neededBytes = Math.min((Number(drive[driveState.dataLength]) + 3) & ~3, buffer.length);
  if (neededBytes <= driveBufferBytes) {
    drive[driveState.data] = buffer.slice(0, driveBufferBytes);
    return;
  }
  const cut = new Uint8Array(neededBytes + 4);
  cut.set(buffer.subarray(0, neededBytes));
  cut[neededBytes + 3] = 1;
  drive[driveState.data] = cut;
}

/** Cuts the buffers in the CPU's state `cpu`; those of the devices stay. */
export function cutBuffers(cpu: readonly Value[]): void {
  for (const drive of drivesOf(cpu)) cutDriveBuffer(drive);
  const share = cpu[cpuState.share];
  if (!isList(share)) return;
  const buffer = share[shareState.replyBuffer];
  // A reply is written and sent at once: between two replies the buffer is unused.
  if (buffer instanceof Uint8Array && buffer.length > replyBufferBytes)
    share[shareState.replyBuffer] = new Uint8Array(replyBufferBytes);
}

/** Enlarges the 9p device's reply buffer to the size that its guest requested, in place. */
export function growReplyBuffer(cpu: readonly Value[]): void {
  const share = cpu[cpuState.share];
  if (!isList(share)) return;
  const buffer = share[shareState.replyBuffer];
  const sizeBytes = Math.min(2 * Number(share[shareState.messageSize]), replyBufferLimit);
  if (buffer instanceof Uint8Array && buffer.length < sizeBytes)
    share[shareState.replyBuffer] = new Uint8Array(sizeBytes);
}
