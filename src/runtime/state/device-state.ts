/** Converts v86's device state, without RAM and VGA memory, to a plain value and back. */

import { HoldfastError } from '../../errors.ts';
import { encodeValue, type TypedArray, type Value } from '../../vmstate/value.ts';
import { cutBuffers, growReplyBuffer } from './grown-buffers.ts';
import { setTscLag, tscLag } from './tsc.ts';

/** Elements of the VGA's state that are in RAM blocks or derived from them. */
const vgaState = { planes: 6, linearFrameBuffer: 39, pixelBuffer: 61 } as const;

/** Fields of devices and of the CPU that v86's own state leaves out and a guest needs. */
const leftOut: Record<string, readonly string[]> = {
  // The firmware's position in the present item of fw_cfg.
  cpu: ['fw_pointer'],
  // The power management timer never steps back, even with a coarse host clock.
  acpi: ['timer_last_value', 'timer_imprecise_offset'],
  // Our own field in machines with sound: see sound/pc-speaker.ts.
  pit: ['speaker_control'],
  ps2: ['next_byte_is_ready', 'next_byte_is_aux', 'last_mouse_packet', 'wheel_movement'],
  vga: ['svga_offset_x', 'svga_offset_y', 'svga_version'],
  cdrom: ['medium_changed', 'atapi_sense_key', 'atapi_add_sense'],
};

/** Queues that v86's own state leaves out: unread bytes for the guest. */
const queues: Record<string, readonly string[]> = {
  ps2: ['kbd_buffer', 'mouse_buffer'],
  uart0: ['input'],
  uart1: ['input'],
  uart2: ['input'],
  uart3: ['input'],
  // The Sound Blaster's partial command, and its answers.
  sb16: ['write_buffer', 'read_buffer', 'mpu_read_buffer'],
};

/** The allowed names in {@link DeviceState.queues}. */
export const queuePaths: readonly string[] = Object.entries(queues).flatMap(([device, fields]) =>
  fields.map((field) => `${device}.${field}`),
);

/** The state that {@link saveDevices} encodes. */
export interface DeviceState {
  /** v86's own state of the CPU and of all devices. */
  cpu: readonly Value[];
  tscLagMs: number;
  /** Absent in states of format version 1. */
  apicEnabled?: boolean;
  /** By device and member (`uart0.input`): unread bytes for the guest. */
  queues: Readonly<Record<string, readonly number[]>>;
  /** By device and member: fields that v86's own state leaves out. */
  leftOut: Readonly<Record<string, Value>>;
}

/** Calls `get_state` of every device object until only plain values remain. */
export function plain(state: unknown): Value {
  if (state === null || typeof state !== 'object') return state as Value;
  if (Array.isArray(state)) return Array.from(state, plain);
  if (ArrayBuffer.isView(state)) return state as TypedArray;
  if (state instanceof ArrayBuffer) return new Uint8Array(state);
  const device = state as { get_state?: () => unknown };
  if (typeof device.get_state === 'function') return plain(device.get_state());
  return Object.fromEntries(Object.entries(state).map(([key, member]) => [key, plain(member)]));
}

function drain(queue: V86Queue): number[] {
  const bytes: number[] = [];
  while (queue.length) bytes.push(queue.shift());
  return bytes;
}

function clearQueues(devices: V86Devices): void {
  for (const [device, fields] of Object.entries(queues)) {
    for (const field of fields) {
      const queue = (devices[device] as Record<string, V86Queue> | undefined)?.[field];
      if (queue) drain(queue);
    }
  }
}

function readQueues(devices: V86Devices): Value {
  const found: Record<string, Value> = {};
  for (const [device, fields] of Object.entries(queues)) {
    for (const field of fields) {
      const queue = (devices[device] as Record<string, V86Queue> | undefined)?.[field];
      if (!queue?.length) continue;
      const bytes = drain(queue);
      for (const byte of bytes) queue.push(byte);
      found[`${device}.${field}`] = bytes;
    }
  }
  return found;
}

function deviceOf(cpu: V86Cpu, name: string): Record<string, unknown> | undefined {
  return name === 'cpu' ? cpu : (cpu.devices[name] as Record<string, unknown> | undefined);
}

function readLeftOut(cpu: V86Cpu): Value {
  const found: Record<string, Value> = {};
  for (const [name, fields] of Object.entries(leftOut)) {
    const device = deviceOf(cpu, name);
    for (const field of fields) {
      if (device && field in device) found[`${name}.${field}`] = device[field] as Value;
    }
  }
  return found;
}

function memberOf(cpu: V86Cpu, path: string): [Record<string, unknown>, string] | undefined {
  const [device = '', field = ''] = path.split('.');
  const object = deviceOf(cpu, device);
  return object && field in object ? [object, field] : undefined;
}

/** Keeps RAM out of the CPU's state. */
export function keepRamOut(cpu: V86Cpu): void {
  const nothing = {
    packed_memory: new Uint8Array(0),
    bitmap: { get_buffer: () => new ArrayBuffer(0) },
  };
  cpu.pack_memory = () => nothing;
  cpu.unpack_memory = () => undefined;
  const { vga } = cpu.devices;
  const original = vga.get_state;
  vga.get_state = function get_state() {
    const state = original.call(this);
    state[vgaState.planes] = undefined;
    state[vgaState.linearFrameBuffer] = new Uint8Array(0);
    state[vgaState.pixelBuffer] = undefined;
    return state;
  };
}

/**
 * Runs `run` with dummy BARs. Before the firmware sets up PCI, the configuration space of IDE
 * contains base addresses for which v86 has no BAR. Its `set_state` fails on those.
 */
function withoutBarHoles(pci: V86Pci, run: () => void): void {
  const filled: (() => void)[] = [];
  for (const device of pci.devices) {
    const bars = device?.pci_bars ?? [];
    for (let i = 0; i < bars.length; i++) {
      if (bars[i]) continue;
      bars[i] = { size: 0, original_bar: 0, entries: [] };
      filled.push(() => {
        bars[i] = undefined;
      });
    }
  }
  try {
    run();
  } finally {
    for (const empty of filled) empty();
  }
}

/**
 * @param clock the keeper's clock; see {@link loadDevices}.
 * @returns the device state as bytes; the guest must be stopped.
 */
export function saveDevices(cpu: V86Cpu, clock: () => number): Uint8Array {
  const state = plain(cpu.get_state());
  cutBuffers(state as readonly Value[]);
  return encodeValue({
    cpu: state,
    tscLagMs: tscLag(cpu, clock),
    // The state of IA32_APIC_BASE and CPUID; v86's own state has only the APIC's registers.
    apicEnabled: cpu.apic_enabled[0] !== 0,
    queues: readQueues(cpu.devices),
    leftOut: readLeftOut(cpu),
  });
}

/**
 * @param state as read by a {@link DeviceTemplate} of these devices
 * @param clock the keeper's clock. The devices' timers hold its times, so they continue while the guest
 * is stopped. v86 would stop the time-stamp counter. It is advanced as well.
 * @throws {HoldfastError} `runtime-incompatible` if this v86 fails on the state after all.
 */
export function loadDevices(cpu: V86Cpu, state: DeviceState, clock: () => number): void {
  growReplyBuffer(state.cpu);
  // v86 assigns some of the register views instead of writing through them.
  const views = Object.entries(cpu).filter(([, member]) => ArrayBuffer.isView(member));
  try {
    withoutBarHoles(cpu.devices.pci, () => cpu.set_state(state.cpu));
  } catch (cause) {
    throw HoldfastError.from(cause, 'runtime-incompatible', 'This runtime cannot take the guest');
  }
  for (const [name, view] of views) {
    const now = cpu[name] as TypedArray | number;
    if (now === view) continue;
    (view as TypedArray).set(typeof now === 'number' ? [now] : now);
    cpu[name] = view;
  }
  setTscLag(cpu, clock, state.tscLagMs);
  if (state.apicEnabled !== undefined) cpu.apic_enabled[0] = Number(state.apicEnabled);
  clearQueues(cpu.devices);
  for (const [path, bytes] of Object.entries(state.queues)) {
    const member = memberOf(cpu, path);
    const queue = member?.[0][member[1]] as V86Queue | undefined;
    for (const byte of bytes) queue?.push(byte);
  }
  for (const [path, value] of Object.entries(state.leftOut)) {
    const member = memberOf(cpu, path);
    if (member) member[0][member[1]] = value;
  }
}
