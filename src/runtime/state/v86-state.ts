/** Converts the guest to a state of v86 itself, and back. */

import { HoldfastError } from '../../errors.ts';
import type { DriveName } from '../../protocol/config.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { decodeValue, encodeValue, type TypedArray, type Value } from '../../vmstate/value.ts';
import { plain, saveDevices } from './device-state.ts';
import type { DeviceTemplate } from './device-template.ts';
import type { IncomingState } from './incoming.ts';
import { decodeV86State, encodeV86State } from './v86-state-file.ts';

/** Elements of v86's own state that hold the guest's memory. */
const cpuState = { memorySize: 0, packedMemory: 77, bitmap: 78 } as const;
const vgaState = { planes: 6, linearFrameBuffer: 39 } as const;
const shareState = { tree: 9 } as const;
type Prototype<T> = { [K in keyof T]: T[K] };
/** Returns an object's methods before this runtime replaced them to leave its memory out. */
const original = <T extends object>(object: T): Prototype<T> => Object.getPrototypeOf(object);

/** The parts of the drives that v86's states hold. */
interface StateDrives {
  buffer(device: DriveName): {
    readonly byteLength: number;
    get_from_cache(start: number, length: number): Uint8Array | undefined;
    set(start: number, bytes: Uint8Array, done: () => void): void;
  };
}

const floppies = ['fda', 'fdb'] as const;
/** In the state of the floppy controller: its drives; in a drive's state: the medium. */
const floppyState = { drives: 44, medium: 10 } as const;
/** Index of the medium in the state of a channel's drive. */
const ideMedium = 28;

/**
 * Exports the guest, which must be between two slices.
 * @throws HoldfastError `wrong-v86-state` for a machine with a hard disk
 */
export function exportV86State(cpu: V86Cpu, drives: StateDrives): Uint8Array<ArrayBuffer> {
  if (drives.buffer('hda').byteLength > 0) {
    throw new HoldfastError(
      'wrong-v86-state',
      'A state of v86 cannot say what was written to this machine’s hard disk. Export a state file instead, or the disk as an image.',
    );
  }
  const raw = cpu.get_state();
  const state = plain(raw) as Value[];
  const { vga, virtio_9p: share } = cpu.devices;
  const packed = original(cpu).pack_memory.call(cpu) as {
    packed_memory: Uint8Array;
    bitmap: { get_buffer(): ArrayBuffer };
  };
  state[cpuState.packedMemory] = packed.packed_memory;
  state[cpuState.bitmap] = new Uint8Array(packed.bitmap.get_buffer());
  state[raw.indexOf(vga)] = plain(original(vga).get_state.call(vga));
  if (share) {
    const device = state[raw.indexOf(share)] as Value[];
    device[shareState.tree] = plain(original(share.fs).get_state.call(share.fs));
  }
  for (const [drive, medium] of mediaOf(cpu, raw, state)) {
    const { byteLength } = drives.buffer(medium);
    const contents = byteLength > 0 && drives.buffer(medium).get_from_cache(0, byteLength);
    drive[floppyState.medium] = contents ? [byteLength, contents] : null;
  }
  return encodeV86State(state);
}

/**
 * A state of v86 that fits this machine: the guest's memory, and the rest in the form of a vmstate.
 */
interface ReadV86State {
  devices: IncomingState['devices'];
  /** Fills RAM and VGA memory. */
  fillMemory(): void;
}

/** The machine that takes such a state. */
interface StateMachine {
  cpu: V86Cpu;
  drives: StateDrives;
  template: DeviceTemplate;
  clock(): number;
}

/** @throws HoldfastError `wrong-v86-state`; nothing is changed */
export function readV86State(
  { cpu, drives, template, clock }: StateMachine,
  bytes: Uint8Array,
): ReadV86State {
  const state = decodeV86State(bytes);
  if (!Array.isArray(state)) throw unfit('it holds no CPU');
  const raw = cpu.get_state();
  const { vga } = cpu.devices;
  const vgaAt = raw.indexOf(vga);
  const ramBytes = state[cpuState.memorySize];
  if (ramBytes !== cpu.mem8.length)
    throw unfit(`it has ${sizeText(ramBytes)} of RAM, this machine ${sizeText(cpu.mem8.length)}`);
  const packed = state[cpuState.packedMemory];
  const bitmap = state[cpuState.bitmap];
  const video = state[vgaAt];
  if (!(packed instanceof Uint8Array && bitmap instanceof Uint8Array && Array.isArray(video)))
    throw unfit('its memory is missing');
  const frameBuffer = video[vgaState.linearFrameBuffer];
  const planes = video[vgaState.planes];
  if (!isBytes(frameBuffer, vga.svga_memory.length)) {
    const found = frameBuffer instanceof Uint8Array ? frameBuffer.length : 0;
    throw unfit(
      `it has ${sizeText(found)} of VGA memory, this machine ${sizeText(vga.svga_memory.length)}`,
    );
  }
  if (planes !== undefined && planes !== null && !isBytes(planes, vga.vga_memory.length))
    throw unfit('its VGA planes have another size');
  const pages = pagesOf(bitmap, ramBytes / pageBytes);
  if (packed.length !== pages.length * pageBytes) throw unfit('its memory is cut off');

  const rest = withoutMemory(state, plain(raw) as Value[], vgaAt);
  const media = takeMedia(cpu, raw, rest, drives);
  const devices = readDevices(cpu, rest, template, clock);
  return {
    devices,
    fillMemory() {
      for (const [device, contents] of media) drives.buffer(device).set(0, contents, () => {});
      cpu.mem8.fill(0);
      for (const [i, page] of pages.entries())
        cpu.mem8.set(packed.subarray(i * pageBytes, (i + 1) * pageBytes), page * pageBytes);
      vga.svga_memory.set(frameBuffer as Uint8Array);
      if (planes) vga.vga_memory.set(planes as Uint8Array);
    },
  };
}

/**
 * Returns the state in the form of this runtime's own states: `own` provides the left-out
 * elements.
 */
function withoutMemory(state: readonly Value[], own: readonly Value[], vgaAt: number): Value[] {
  const rest = [...state];
  const video = [...(state[vgaAt] as readonly Value[])];
  for (const at of [...Object.values(vgaState), 61])
    video[at] = (own[vgaAt] as readonly Value[])[at];
  rest[vgaAt] = video;
  for (const at of [cpuState.packedMemory, cpuState.bitmap]) rest[at] = own[at];
  return rest;
}

/** Returns the floppy drives of a state. */
function mediaOf(cpu: V86Cpu, raw: readonly unknown[], state: readonly Value[]) {
  const controller = state[raw.indexOf(cpu.devices.fdc)];
  const found: [Value[], (typeof floppies)[number]][] = [];
  for (const [i, device] of floppies.entries()) {
    const drive = Array.isArray(controller) ? controller[floppyState.drives + i] : undefined;
    if (Array.isArray(drive)) found.push([drive, device]);
  }
  return found;
}

/**
 * Takes the media out of `state`, since our own states leave them out.
 * @throws HoldfastError `wrong-v86-state` for floppies of another size, and hard disks that were
 * written to
 */
function takeMedia(
  cpu: V86Cpu,
  raw: readonly unknown[],
  state: readonly Value[],
  drives: StateDrives,
): Map<DriveName, Uint8Array> {
  const media = new Map<DriveName, Uint8Array>();
  for (const [drive, device] of mediaOf(cpu, raw, state)) {
    const medium = drive[floppyState.medium];
    drive[floppyState.medium] = drives.buffer(device).byteLength > 0 ? [] : null;
    const [size, contents] = Array.isArray(medium) ? medium : [0, undefined];
    const { byteLength } = drives.buffer(device);
    if (Array.isArray(medium) && medium.length > 0 && size !== byteLength)
      throw unfit(`its ${device} has ${size} bytes, this machine’s ${byteLength}`);
    if (isBytes(contents, byteLength)) media.set(device, contents as Uint8Array);
  }
  for (const channel of channelsOf(state)) {
    for (const drive of channel) {
      const medium = Array.isArray(drive) ? drive[ideMedium] : undefined;
      if (Array.isArray(medium) && medium.length > 0)
        throw unfit('it holds what was written to a disk or CD, which cannot be taken over');
    }
  }
  return media;
}

/** Returns the IDE channels, in all of v86's layouts: lists of two drives. */
function channelsOf(state: readonly Value[]): (readonly Value[])[] {
  const lists = [state[56], state[57], ...(Array.isArray(state[85]) ? state[85] : [])];
  return lists.filter((list): list is readonly Value[] => Array.isArray(list));
}

function readDevices(
  cpu: V86Cpu,
  state: readonly Value[],
  template: DeviceTemplate,
  clock: () => number,
): IncomingState['devices'] {
  const own = decodeValue(saveDevices(cpu, clock)) as Record<string, Value>;
  try {
    return template.read(encodeValue({ ...own, cpu: state, tscLagMs: 0, queues: {} }));
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new HoldfastError('wrong-v86-state', `The state is not of such a machine: ${reason}`, {
      cause: thrown,
    });
  }
}

function pagesOf(bitmap: Uint8Array, count: number): number[] {
  const pages: number[] = [];
  for (let page = 0; page < count; page++)
    if (((bitmap[page >> 3] ?? 0) >> (page & 7)) & 1) pages.push(page);
  return pages;
}

const isBytes = (value: Value | undefined, length: number): value is TypedArray =>
  value instanceof Uint8Array && value.length === length;

const sizeText = (bytes: Value | undefined) => `${Number(bytes) / (1 << 20)} MiB`;

const unfit = (why: string) =>
  new HoldfastError(
    'wrong-v86-state',
    `This state of v86 does not fit the machine: ${why}. Give the options that it was saved with.`,
  );
