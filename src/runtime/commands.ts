/** Commands of a running machine for pages. */
import { HoldfastError } from '../errors.ts';
import type { RuntimeCommands } from '../protocol/abi.ts';
import type { MachineEvent } from '../protocol/events.ts';
import type { V86Core } from './core/v86-core.ts';
import { pressPowerButton } from './devices/acpi-power.ts';
import type { ConsoleInput } from './devices/console-input.ts';
import type { Ps2Input } from './devices/ps2-input.ts';
import { readRegisters } from './devices/registers.ts';
import { screenContents } from './devices/screen-contents.ts';
import { diskCommands } from './disks/disk-commands.ts';
import type { Drives } from './disks/drives.ts';
import type { Network } from './network/network.ts';
import { changeMac } from './network/nic.ts';
import type { NinepFiles } from './ninep/ninep-files.ts';

/** Guest-physical address at which v86 maps the linear frame buffer. */
const frameBufferAddress = 0xe0000000;

/** The parts of a machine that its commands use. */
interface CommandTarget {
  readonly core: V86Core;
  readonly ps2: Ps2Input;
  readonly input: ConsoleInput;
  readonly files: NinepFiles;
  readonly drives: Drives;
  readonly network: Network;
  readonly running: boolean;
  wake(): void;
  describe(): MachineEvent[];
  exportV86State(): Uint8Array<ArrayBuffer>;
  loadV86State(bytes: Uint8Array): void;
}

export function machineCommands(machine: CommandTarget): RuntimeCommands {
  const { cpu } = machine.core;
  const { ps2 } = machine;
  const typed = (input: () => void) => {
    input();
    machine.wake();
  };
  return {
    consoleInput(name, bytes) {
      machine.input.send(name, bytes);
      machine.wake();
    },
    scancodes: (codes) => typed(() => ps2.scancodes(codes)),
    mouseDelta: (dx, dy) => typed(() => ps2.mouseDelta(dx, dy)),
    mouseAbsolute: (...position) => typed(() => ps2.mouseAbsolute(...position)),
    mouseButtons: (...buttons) => typed(() => ps2.mouseButtons(...buttons)),
    mouseWheel: (delta) => typed(() => ps2.mouseWheel(delta)),
    keyboardLocks: (locks) => ps2.follow(locks),
    releaseInput: () => typed(() => ps2.release()),
    reset() {
      cpu.reboot_internal();
      machine.wake();
    },
    changeMac: (mac) => changeMac(cpu.devices, mac),
    infoRegisters: () => readRegisters(cpu),
    screen: () => screenContents(machine.describe()),
    exportV86State: () => machine.exportV86State(),
    loadV86State: (bytes: Uint8Array) => machine.loadV86State(bytes),
    systemPowerdown() {
      pressPowerButton(cpu);
      machine.wake();
    },
    filesRead: (path: string) => machine.files.read(path),
    filesWrite: (path: string, bytes: Uint8Array) => machine.files.write(path, bytes),
    filesList: (path: string) => machine.files.list(path),
    ...diskCommands(machine.drives, () => machine.running),
    infoNetwork: () => machine.network.info(),
    connectTcp(port, channel) {
      machine.network.open(port, channel);
      machine.wake();
    },
    readMemory(address, length) {
      return memoryAt(machine, address, length).slice();
    },
    writeMemory(address, bytes) {
      const target = memoryAt(machine, address, bytes.length);
      if (address < frameBufferAddress) cpu.jit_dirty_cache(address, address + bytes.length);
      target.set(bytes);
    },
  };
}

function memoryAt(machine: CommandTarget, address: number, length: number): Uint8Array {
  const { mem8, devices } = machine.core.cpu;
  const inFrameBuffer = address >= frameBufferAddress;
  const memory = inFrameBuffer ? devices.vga.svga_memory : mem8;
  const start = inFrameBuffer ? address - frameBufferAddress : address;
  if (start < 0 || length < 0 || start + length > memory.length)
    throw new HoldfastError(
      'bad-config',
      `The guest has no memory at 0x${address.toString(16)} .. 0x${(address + length).toString(16)}.`,
    );
  return memory.subarray(start, start + length);
}
