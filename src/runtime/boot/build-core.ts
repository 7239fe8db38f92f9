/** v86 with the devices of a machine's configuration. */
import { HoldfastError } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { blockOf } from '../core/blocks.ts';
import { V86Core } from '../core/v86-core.ts';
import type { V86Wasm } from '../core/v86-wasm.ts';
import { ScreenTap } from '../devices/screen-tap.ts';
import { guardVirtio } from '../devices/virtio-guard.ts';
import type { DriveOptions } from '../disks/drives.ts';
import { setMac } from '../network/nic.ts';
import { guardNinep } from '../ninep/ninep-guard.ts';
import { keepFilesOut } from '../ninep/ninep-state.ts';
import { readySound } from '../sound/sound.ts';
import { keepRamOut } from '../state/device-state.ts';
import type { BootImages } from './image-names.ts';
import { v86Options } from './v86-options.ts';

/** The parts of a runtime that is being built. */
export interface Building {
  V86: V86Constructor;
  wasm: V86Wasm;
  host: RuntimeHost;
  images: BootImages;
  disks: DriveOptions;
  coldBoot: boolean;
  /** True if the core must not write guest RAM. */
  incoming: boolean;
}

/**
 * Builds a core with the devices of the machine's configuration.
 * @param memory by default scratch memory
 */
export async function buildCore(
  { V86, wasm, host, images, disks, coldBoot, incoming }: Building,
  memory = host.scratch,
): Promise<{ core: V86Core; screen: ScreenTap }> {
  const screen = new ScreenTap({
    emit: host.emit,
    fill: () => core.fillScreen(),
    redraw: () => core.cpu.devices.vga.complete_redraw(),
  });
  const core: V86Core = await V86Core.create({
    V86,
    wasm,
    memory,
    runtimeBytes: host.runtimeBytes,
    ram: blockOf(host, 'pc.ram'),
    vram: blockOf(host, 'vga.vram'),
    machine: v86Options(host, images, disks, coldBoot),
    screen,
    clock: host.clock,
    leavesRam: incoming,
  });
  return { core, screen };
}

/** Patches a new core: its state has only its devices, and they are set up for this machine. */
export function readyDevices({ cpu }: V86Core, host: RuntimeHost): void {
  keepRamOut(cpu);
  guardVirtio(cpu);
  guardNinep(cpu, host);
  keepFilesOut(cpu, host);
  if (host.config.sound) readySound(cpu);
  if (host.config.mac) setMac(cpu.devices, host.config.mac);
}

/** Checks that guest RAM is where the machine's first runtime placed it. */
export function checkPlacement(host: RuntimeHost, core: V86Core): void {
  const placed = `${core.ramAddress},${core.vramAddress}`;
  const before = host.kept.get('runtime.placement');
  if (before === undefined) host.kept.set('runtime.placement', placed);
  else if (before !== placed)
    throw new HoldfastError(
      'runtime-incompatible',
      'This runtime would lay out guest memory differently, so it cannot take this guest over.',
    );
}
