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
import type { LazyRam } from './lazy-ram.ts';
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
 * Numbered pieces of bytes that outlive runtimes and go into checkpoints: the blocks of a disk's
 * overlay, the files of a 9p share. The keeper owns them and records at which generation each one
 * changed.
 */
export interface VersionedPieces {
  get(index: number): Uint8Array | undefined;
  /** Stores `bytes` without a copy. Call it again after you change them in place. */
  set(index: number, bytes: Uint8Array): void;
  delete(index: number): void;
  indexes(): Iterable<number>;
  /** Grows with every `set` and `delete`; survives a checkpoint and its resume. */
  readonly generation: number;
}

/** A named part of the guest's memory, such as `pc.bios`. */
export interface MemoryArea {
  name: string;
  sizeBytes: number;
  /** Guest-physical; absent for data that the guest reads only through fw_cfg. */
  guestAddress?: number;
  /** The contents of an area without an address. */
  bytes?: Uint8Array;
}

/** The keeper's side of a runtime. One host a machine. */
export interface RuntimeHost {
  readonly abiVersion: number;
  readonly config: MachineConfig;
  /** The memory that holds the guest. `0 .. runtimeBytes` belongs to the active runtime. */
  readonly memory: WebAssembly.Memory;
  readonly runtimeBytes: number;
  /** A second memory of the same layout, in which a runtime is prepared while another one runs. */
  readonly scratch: WebAssembly.Memory;
  readonly blocks: readonly RamBlock[];
  /**
   * Opaque objects that survive runtimes, by name: boot images, firmware, device objects. If an
   * object has a method `machineEnded`, it is called when the machine ends.
   */
  readonly kept: Map<string, unknown>;
  /** Milliseconds, strictly increasing: no two calls return the same value. */
  clock(): number;
  /** Sends an event to every attached page. The buffers in `transfer` are detached. */
  emit(event: MachineEvent, transfer?: Transferable[]): void;
  /** Appends to the scrollback of a console and sends it to every page. */
  consoleOutput(name: string, bytes: Uint8Array): void;
  /** Reports that the runtime crashed. The machine enters `internal-error`. */
  crashed(reason: unknown): void;
  /** Reports that the guest was reset: its age restarts from 0. */
  guestReset(): void;
  /**
   * Reports that the guest powered down: it halted its CPU with interrupts off, or turned the PC
   * off by ACPI.
   */
  guestHalted?(): void;
  /** Returns the pieces of this name (`disk.hda`, `9p.files`…), created at the first request. */
  pieces?(name: string): VersionedPieces;
  /**
   * Reports that a drive has another medium, or none. The machine's configuration includes it from
   * now on.
   */
  driveChanged?(device: RemovableDriveName, source: DriveSource | undefined): void;
  /** Wakes a suspended guest. Does nothing in other runstates. */
  wakeup?(reason: 'network' | 'timer' | 'input'): void;
}

export interface RuntimeModule {
  readonly abiVersion: number;
  readonly v86Version: string;
  /**
   * Does everything that is possible while another runtime runs the guest: fetches, compiles,
   * builds the device tree in scratch memory, warms up. It must not touch `host.memory`. Exception:
   * a first runtime that is `incoming` may move into its own part, which nothing else uses.
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
  /** The incoming guest runs elsewhere until this runtime is ready. Its load can be rehearsed. */
  unhurried?: boolean;
  signal?: AbortSignal;
}

/**
 * The pages of guest RAM that may have been written. The runtime tracks them at no measurable
 * cost. The set is a superset: a page that is not marked has not changed.
 */
export interface WriteTracking {
  /**
   * One byte for each 4 KiB page of `pc.ram`'s guest-physical memory. Not 0 if the page may have
   * been written.
   */
  readonly map: { address: number; pages: number };
  /** Starts a new epoch: clears the map. The guest must not be in the middle of a slice. */
  reset(): void;
  /**
   * Updates the map with writes that only the runtime has recorded. Call it before you read the
   * map.
   */
  collect(): void;
}

/**
 * A runtime that is ready to take the guest. All its methods are synchronous: the guest loses no
 * time.
 */
export interface PreparedRuntime {
  /** Puts the runtime's image into `host.memory` and a fresh guest into the RAM blocks. */
  boot(): RuntimeInstance;
  /** Puts the runtime's image into `host.memory` and loads device state over live RAM. */
  load(vmstate: Uint8Array): RuntimeInstance;
  /** Releases everything without effect on the guest. */
  discard(): void;
}

/** A runtime that is active: it runs the guest. */
export interface RuntimeInstance {
  readonly v86Version: string;
  run(): void;
  /** Stops the guest. It makes no progress after this returns. */
  stop(): void;
  /** Resolves when no device operation is in flight that a stop would tear. */
  quiesce(): Promise<void>;
  /** Returns the device state as vmstate bytes. The guest must be stopped. */
  save(): Uint8Array;
  /** Moves the runtime's own part of `host.memory` aside so that another runtime can use it. */
  park(): void;
  /** Undoes {@link park}. Writes to the memory in between do not matter. */
  unpark(): void;
  /** Ends the runtime. It must not touch `host.memory`. */
  destroy(): void;
  /** Instructions executed since the machine began, as a 32-bit counter. */
  instructionCounter(): number;
  /**
   * Returns events that give a new page the complete present state. Runtimes of the first release
   * have only {@link snapshot}.
   */
  describe?(): MachineEvent[];
  /** {@link describe}, for keepers of the first release. */
  snapshot(): MachineEvent[];
  /** Sets whether any page is attached. Without one, screen updates cost nothing. */
  setWatched(watched: boolean): void;
  /** Sets whether any page wants `audio` events. Without a listener, no samples are sent. */
  setListened?(listened: boolean): void;
  /** All other operations of the machine that a page can call, by name. */
  readonly commands: RuntimeCommands;
  /** Returns the reasons, known to this runtime, why a mode would be refused now. */
  blockers?(mode: CprMode): Blocker[];
  /** Returns the identity of the disks now, for the vmstate and for comparison with one. */
  disks?(): DiskIdentity[];
  /** Returns the firmware and tables within guest memory, to be listed with its RAM blocks. */
  memoryAreas?(): MemoryArea[];
  /**
   * Fetches the images that the guest would boot from. A restored guest runs without them.
   * Afterwards all of them are among {@link memoryAreas}.
   */
  bringBootImages?(): Promise<void>;
  /**
   * The parts of `pc.ram`, `vga.vram` and `vga.planes` that belong to the guest, on page
   * boundaries. The rest of those blocks belongs to the runtime. All runtimes of the machine use
   * the same places.
   */
  readonly guestMemory?: readonly RamBlock[];
  /** Absent if the runtime does not track writes: any page may then have been written. */
  readonly writes?: WriteTracking;
  /**
   * Returns the pages of `pc.ram` that the guest used last, by guest-physical number: a guess at what
   * it uses next. Absent or undefined if the runtime does not know.
   */
  recentPages?(): Uint32Array<ArrayBuffer> | undefined;
  /** Runs a guest whose RAM has not all arrived. Absent if the runtime needs all of it. */
  readonly lazyRam?: LazyRam;
  /** Data that {@link revert} needs beside guest memory and pieces. The guest is stopped. */
  capture?(): DeviceSnapshot;
  /**
   * Loads the device state of a snapshot over the stopped guest. Every possible check is made
   * before `restoreMemory` is called, which restores memory and pieces.
   * @param restoreMemory returns the pages of RAM that it wrote, by guest-physical page number, ascending
   */
  revert?(snapshot: DeviceSnapshot, restoreMemory: () => readonly number[]): void;
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
   * Sets the state of the lock lights on the user's keyboard. If the guest's lights differ, the
   * runtime presses the lock key before the next key that they affect.
   */
  keyboardLocks?(locks: { caps?: boolean; num?: boolean }): void;
  /** Releases every key and mouse button that the guest considers to be down. */
  releaseInput?(): void;
  reset(): void;
  /** Guest-physical memory, RAM or the linear frame buffer, copied. */
  readMemory(address: number, length: number): Uint8Array;
  writeMemory(address: number, bytes: Uint8Array): void;
  infoRegisters?(): CpuRegisters;
  /** The whole VGA screen, whether or not a page shows it. */
  screen?(): ScreenContents;
  /**
   * Gives the network device another address. The guest's driver uses it once it reads the address
   * from the device again.
   */
  changeMac?(mac: string): void;
  /** The guest as v86's own `save_state` writes it. */
  exportV86State?(): Uint8Array;
  /** Loads a state of v86 before the guest has run. */
  loadV86State?(state: Uint8Array): void;
  /** Opens a TCP connection to a port of the guest: see tcp-channel.ts. */
  connectTcp?(port: number, channel: MessagePort): void;
  /** Presses the power button. Only a guest with ACPI reacts to it. */
  systemPowerdown?(): void;
  [name: string]: ((...args: never[]) => unknown) | undefined;
}
