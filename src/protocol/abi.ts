/**
 * The ABI between the keeper and the runtimes it imports.
 *
 * The keeper cannot be replaced while a guest lives in it, so this only ever grows:
 * new optional members, never a changed meaning. A runtime checks
 * {@link RuntimeHost.abiVersion}; the keeper checks {@link RuntimeModule.abiVersion}.
 */
import type { DiskCommands } from './block-info.ts';
import type { DriveSource, MachineConfig, RemovableDriveName } from './config.ts';
import type { Blocker, CprMode, DiskIdentity } from './cpr.ts';
import type { MachineEvent, ScreenContents } from './events.ts';
import type { CpuRegisters } from './registers.ts';

/** Raised only when an old keeper could not host a new runtime, or the other way round. */
export const abiVersion = 1;

/** A named piece of the guest's memory. Guest contents; never moved, never copied. */
export interface RamBlock {
  name: string;
  /** Byte offset in {@link RuntimeHost.memory}, a multiple of 64 KiB. */
  address: number;
  sizeBytes: number;
}

/**
 * Numbered pieces of bytes that outlive runtimes and go into checkpoints: a disk's overlay by
 * block, the files of a 9p share. The keeper owns them and knows which changed since when.
 */
export interface VersionedPieces {
  get(index: number): Uint8Array | undefined;
  /** Takes `bytes` over. To be called again after they were changed in place. */
  set(index: number, bytes: Uint8Array): void;
  delete(index: number): void;
  indexes(): Iterable<number>;
  /** Grows with every `set` and `delete`; survives a checkpoint and its resume. */
  readonly generation: number;
}

/** A part of the guest's memory that has a name of its own, such as `pc.bios`. */
export interface MemoryArea {
  name: string;
  sizeBytes: number;
  /** Guest-physical; absent for what the guest reads through fw_cfg only. */
  guestAddress?: number;
  /** The contents of an area without an address. */
  bytes?: Uint8Array;
}

/** The keeper's side of a runtime. One host a machine. */
export interface RuntimeHost {
  readonly abiVersion: number;
  readonly config: MachineConfig;
  /** The memory the guest lives in. `0 .. runtimeBytes` belongs to the runtime in charge. */
  readonly memory: WebAssembly.Memory;
  readonly runtimeBytes: number;
  /** A second memory of the same layout, where a runtime is made ready while another runs. */
  readonly scratch: WebAssembly.Memory;
  readonly blocks: readonly RamBlock[];
  /**
   * Opaque things that survive runtimes, by name: boot images, firmware, device objects. One that has
   * a method `machineEnded` hears it when the machine ends.
   */
  readonly kept: Map<string, unknown>;
  /** Milliseconds, strictly increasing: no two calls return the same value. */
  clock(): number;
  /** Sends an event to every attached page. The buffers in `transfer` are gone afterwards. */
  emit(event: MachineEvent, transfer?: Transferable[]): void;
  /** Appends to the scrollback of a console and sends it to every page. */
  consoleOutput(name: string, bytes: Uint8Array): void;
  /** The emulator died. The machine goes to `internal-error`. */
  crashed(reason: unknown): void;
  /** The guest was reset: its age starts anew. */
  guestReset(): void;
  /** The guest powered itself down: it halted its CPU with interrupts off, or turned the PC off by ACPI. */
  guestHalted?(): void;
  /** The pieces of this name, made when first asked for: `disk.hda`, `9p.files`… */
  pieces?(name: string): VersionedPieces;
  /** Another medium is in a drive, or none: part of the machine's configuration from here on. */
  driveChanged?(device: RemovableDriveName, source: DriveSource | undefined): void;
  /** Something arrived that wakes a suspended guest. Nothing happens in other runstates. */
  wakeup?(reason: 'network' | 'timer' | 'input'): void;
}

export interface RuntimeModule {
  readonly abiVersion: number;
  readonly v86Version: string;
  /**
   * Everything that can be done while another runtime runs the guest: fetch, compile,
   * build the device tree in scratch memory, warm up. Must not touch `host.memory`, but for a
   * first runtime that is `incoming`: it may move into its own part, which nobody else has.
   */
  prepare(host: RuntimeHost, request: PrepareRequest): Promise<PreparedRuntime>;
}

export interface PrepareRequest {
  /** Absolute URL of the transformed v86.wasm. */
  wasmUrl: string;
  /** True for the machine's first runtime: it also fetches the boot images, unless it is `incoming`. */
  coldBoot: boolean;
  /** The module at `wasmUrl`, if its compilation has begun already. */
  module?: Promise<WebAssembly.Module | undefined>;
  /** A first runtime loads a guest, which it waits for, and boots none. */
  incoming?: boolean;
  signal?: AbortSignal;
}

/**
 * Which pages of guest RAM may have been written. Kept by the emulator at no cost to the guest
 * worth measuring; a superset, so a page that is not marked has not changed.
 */
export interface WriteTracking {
  /** A byte a page of 4 KiB of `pc.ram`'s guest-physical memory, not 0 when it may have been written. */
  readonly map: { address: number; pages: number };
  /** Begins a new epoch: clears the map. The guest must not be in the middle of a slice. */
  reset(): void;
  /** Brings the map up to date with what only the emulator knows. To be called before it is read. */
  collect(): void;
}

/** A runtime that is ready to take the guest. All of it is synchronous: no time passes. */
export interface PreparedRuntime {
  /** Puts the runtime's image into `host.memory` and a fresh guest into the RAM blocks. */
  boot(): RuntimeInstance;
  /** Puts the runtime's image into `host.memory` and loads device state over live RAM. */
  load(vmstate: Uint8Array): RuntimeInstance;
  /** Gives everything back; nothing happened. */
  discard(): void;
}

/** A runtime in charge of the guest. */
export interface RuntimeInstance {
  readonly v86Version: string;
  run(): void;
  /** The guest makes no progress after this returns. */
  stop(): void;
  /** Resolves when no device operation is under way that a stop would tear. */
  quiesce(): Promise<void>;
  /** Device state as vmstate bytes. The guest must be stopped. */
  save(): Uint8Array;
  /** Moves the runtime's own part of `host.memory` aside, so that another may move in. */
  park(): void;
  /** Undoes {@link park}, whatever has been written there meanwhile. */
  unpark(): void;
  /** The end. Must not touch `host.memory`. */
  destroy(): void;
  /** Instructions executed since the machine began, as a 32-bit counter. */
  instructionCounter(): number;
  /**
   * Events that bring a page which knows nothing up to date. Runtimes of the first release have
   * {@link snapshot} only.
   */
  describe?(): MachineEvent[];
  /** {@link describe}, for keepers of the first release. */
  snapshot(): MachineEvent[];
  /** Whether any page is attached: screen updates cost nothing while none is. */
  setWatched(watched: boolean): void;
  /** Whether anybody wants `audio` events: without, a guest plays for itself. */
  setListened?(listened: boolean): void;
  /** Everything else a page can ask of the machine, by name. */
  readonly commands: RuntimeCommands;
  /** Reasons that this runtime knows why a mode would be refused now. */
  blockers?(mode: CprMode): Blocker[];
  /** The disks as they are now, for the vmstate and to compare with one. */
  disks?(): DiskIdentity[];
  /** Firmware and tables within guest memory, to be listed with its RAM blocks. */
  memoryAreas?(): MemoryArea[];
  /**
   * Fetches what the guest would boot from, which one that was brought back does without. Afterwards all
   * of it is among {@link memoryAreas}.
   */
  bringBootImages?(): Promise<void>;
  /**
   * What of `pc.ram`, `vga.vram` and `vga.planes` is the guest's own, on page boundaries; the rest of
   * those blocks is the emulator's. Other runtimes of the machine have it in the same place.
   */
  readonly guestMemory?: readonly RamBlock[];
  /** Absent where the emulator cannot tell: then everything may have been written. */
  readonly writes?: WriteTracking;
  /** Data that {@link revert} needs beside guest memory and pieces. The guest is stopped. */
  capture?(): DeviceSnapshot;
  /**
   * Loads the device state of a snapshot over the stopped guest. Everything that can be checked is
   * checked before `putBack` is called, which puts back memory and pieces.
   * @param putBack returns the pages of RAM that it wrote, by guest-physical page number, ascending
   */
  revert?(snapshot: DeviceSnapshot, putBack: () => readonly number[]): void;
}

/** A machine's devices at one moment, for runtimes of this machine in this keeper. */
export interface DeviceSnapshot {
  vmstate: Uint8Array;
  /** Contents of the drives: as opaque as {@link RuntimeHost.kept}. */
  media: unknown;
}

export interface RuntimeCommands extends Partial<DiskCommands> {
  /** Bytes typed on a console: `serial0` .. `serial3`, `virtio-console0`. */
  consoleInput(name: string, bytes: Uint8Array): void;
  /** PC scan codes, set 1. */
  scancodes(codes: Uint8Array): void;
  mouseDelta(dx: number, dy: number): void;
  /** Position in pixels of the guest's screen. */
  mouseAbsolute(x: number, y: number, width: number, height: number): void;
  mouseButtons(left: boolean, middle: boolean, right: boolean): void;
  mouseWheel(delta: number): void;
  /**
   * What the lights of the keyboard in front of the user show: before its next key that they change, the
   * guest gets a press of the lock key where its own lights differ.
   */
  keyboardLocks?(locks: { caps?: boolean; num?: boolean }): void;
  /** Lets go of every key and mouse button that the guest believes to be down. */
  releaseInput?(): void;
  reset(): void;
  /** Guest-physical memory, RAM or the linear frame buffer, copied. */
  readMemory(address: number, length: number): Uint8Array;
  writeMemory(address: number, bytes: Uint8Array): void;
  infoRegisters?(): CpuRegisters;
  /** The whole VGA screen, whether or not anybody watches. */
  screen?(): ScreenContents;
  /**
   * Gives the network device another address, which the guest's driver finds when it next asks the
   * device. Until then it goes on with the one it knows.
   */
  changeMac?(mac: string): void;
  /** The guest as v86's own `save_state` writes it. */
  exportV86State?(): Uint8Array;
  /** Takes over a state of v86, before the guest has run. */
  loadV86State?(state: Uint8Array): void;
  /** Opens a TCP connection to a port of the guest: see tcp-channel.ts. */
  connectTcp?(port: number, channel: MessagePort): void;
  /** Presses the power button, which only a guest with ACPI hears. */
  systemPowerdown?(): void;
  [name: string]: ((...args: never[]) => unknown) | undefined;
}
