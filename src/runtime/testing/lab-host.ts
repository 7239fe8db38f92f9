/**
 * A keeper's host for tests that run a real v86 in Node, without a browser. Firmware and kernels
 * are put into `kept`, which a runtime checks before it downloads.
 */
import type { RamBlock, RuntimeHost } from '../../protocol/abi.ts';
import { defaultConfig, type MachineConfig } from '../../protocol/config.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import { presentBlock } from '../../protocol/lazy-ram.ts';
import { mapPieces } from '../disks/pieces.ts';

const mebibyte = 1 << 20;
const slackBytes = 256 << 10;

type LabImages = Partial<
  Record<'bios' | 'vgaBios' | 'bzImage' | 'initrd' | 'fda' | 'cdrom' | 'hda', Uint8Array>
>;

export interface LabHost extends RuntimeHost {
  readonly events: MachineEvent[];
  /** Everything that the guest wrote to its first serial port. */
  serial: string;
  crash: unknown;
  resets: number;
  /** Number of times that the guest powered itself down. */
  halts: number;
}

export function labHost(images: LabImages, overrides: Partial<MachineConfig> = {}): LabHost {
  const config: MachineConfig = {
    ...defaultConfig,
    name: 'lab',
    bios: { url: 'kept:bios' },
    vgaBios: { url: 'kept:vgaBios' },
    ...overrides,
  };
  const kept = new Map<string, unknown>();
  for (const [name, bytes] of Object.entries(images)) {
    kept.set(`image.${name}`, bytes);
    Object.assign(config, { [name]: { url: `kept:${name}` } });
  }

  const runtimeBytes = 64 * mebibyte;
  const blocks: RamBlock[] = [];
  let end = runtimeBytes;
  for (const [name, sizeBytes] of [
    ['pc.ram', config.memoryMiB * mebibyte + slackBytes],
    ['vga.vram', config.vgaMemoryMiB * mebibyte + slackBytes],
    ['vga.planes', slackBytes],
    ['runtime.parked', 80 * mebibyte],
    ['runtime.incoming', 80 * mebibyte],
    [presentBlock, slackBytes],
  ] as const) {
    blocks.push({ name, address: end, sizeBytes });
    end += sizeBytes;
  }
  const memory = () =>
    new WebAssembly.Memory({ initial: end >> 16, maximum: end >> 16, shared: true });
  let last = 0;
  const host: LabHost = {
    abiVersion: 1,
    config,
    runtimeBytes,
    blocks,
    kept,
    memory: memory(),
    scratch: memory(),
    clock() {
      last = Math.max(performance.now(), last + 1e-6);
      return last;
    },
    events: [],
    serial: '',
    crash: undefined,
    resets: 0,
    halts: 0,
    emit: (event) => host.events.push(event),
    consoleOutput(name, bytes) {
      if (name === 'serial0') host.serial += String.fromCharCode(...bytes);
    },
    crashed(reason) {
      host.crash = reason;
    },
    guestReset() {
      host.resets++;
    },
    guestHalted() {
      host.halts++;
    },
    pieces: (name) => mapPieces(kept, `pieces.${name}`),
  };
  return host;
}
