/** v86 with the devices that a machine's configuration asks for. */
import { CprError } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { ScreenTap } from '../devices/screen-tap.ts';
import { guardVirtio } from '../devices/virtio-guard.ts';
import type { DriveOptions } from '../disks/drives.ts';
import { setMac } from '../network/nic.ts';
import { guardShare } from '../ninep/share-guard.ts';
import { keepFilesOut } from '../ninep/share-state.ts';
import { blockOf } from '../shell/blocks.ts';
import { Shell } from '../shell/shell.ts';
import type { V86Wasm } from '../shell/v86-wasm.ts';
import { readySound } from '../sound/sound.ts';
import { keepRamOut } from '../state/device-state.ts';
import type { BootImages } from './image-names.ts';
import { v86Options } from './v86-options.ts';

/** What the parts of a runtime are made of. */
export interface Building {
  V86: V86Constructor;
  wasm: V86Wasm;
  host: RuntimeHost;
  images: BootImages;
  disks: DriveOptions;
  coldBoot: boolean;
  /** Guest RAM is not the shell's to write. */
  incoming: boolean;
}

/**
 * A shell with the devices of the machine's configuration.
 * @param memory where; by default in scratch memory
 */
export async function buildShell(
  { V86, wasm, host, images, disks, coldBoot, incoming }: Building,
  memory = host.scratch,
): Promise<{ shell: Shell; screen: ScreenTap }> {
  const vga = () => shell.cpu.devices.vga;
  const screen = new ScreenTap({
    emit: host.emit,
    fill: () => vga().screen_fill_buffer(),
    redraw: () => vga().complete_redraw(),
  });
  const shell: Shell = await Shell.create({
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
  return { shell, screen };
}

/** Makes a new shell one whose state is that of its devices alone, and of this machine. */
export function readyDevices({ cpu }: Shell, host: RuntimeHost): void {
  keepRamOut(cpu);
  guardVirtio(cpu);
  guardShare(cpu, host);
  keepFilesOut(cpu, host);
  if (host.config.sound) readySound(cpu);
  if (host.config.mac) setMac(cpu.devices, host.config.mac);
}

/** Guest RAM must be where the machine's first runtime put it. */
export function checkPlacement(host: RuntimeHost, shell: Shell): void {
  const placed = `${shell.ramAddress},${shell.vramAddress}`;
  const before = host.kept.get('runtime.placement');
  if (before === undefined) host.kept.set('runtime.placement', placed);
  else if (before !== placed)
    throw new CprError(
      'runtime-incompatible',
      'This emulator would lay out guest memory differently, so it cannot take this guest over.',
    );
}
