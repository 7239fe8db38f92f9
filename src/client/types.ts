/** API of a machine for pages. `machine.ts` implements it; `src/index.ts` exports it. */

import type { HoldfastError } from '../errors.ts';
import type { Picture } from '../pc/picture.ts';
import type { BlockInfo } from '../protocol/block-info.ts';
import type {
  DriveName,
  DriveSource,
  MachineConfig,
  RemovableDriveName,
} from '../protocol/config.ts';
import type { CprSource, CprTarget } from '../protocol/cpr.ts';
import type { ScreenContents } from '../protocol/events.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  RestartReport,
} from '../protocol/keeper-api.ts';
import type { PublicCalls, StorageCalls } from '../protocol/keeper-calls.ts';
import type { NetworkInfo } from '../protocol/network.ts';
import type { NinepEntry } from '../protocol/ninep.ts';
import type { CpuRegisters } from '../protocol/registers.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { RestoreReport, SnapshotInfo } from '../protocol/snapshot.ts';
import type { ImportReport, StateIdentity } from '../protocol/state-transfer.ts';
import type { ResumeReport, ResumeRequest, StoredMachineInfo } from '../protocol/stored.ts';
import type { StateFile } from '../state-file/state-file.ts';
import type {
  ExportStateOptions,
  ReadStateOptions,
  StateSource,
  StateUrl,
} from '../state-file/types.ts';
import type { ExecuteOptions, ExecuteResult } from './agent.ts';
import type { GuestConsole } from './console-types.ts';
import type { FramesOptions } from './frames.ts';
import type { ConnectTcpOptions, GuestSocket } from './guest-socket.ts';
import type { IterableStream } from './iterable-stream.ts';
import type { KeeperWorker, KeeperWorkerOptions } from './keeper-worker.ts';
import type { MachineCore } from './machine-core.ts';
import type { SoundChunk } from './sound.ts';
import type { SendKeyOptions, TypeOptions } from './typist.ts';

export interface ConnectOptions extends KeeperWorkerOptions {
  /** The keeper's worker, if the caller already opened it with the options above. */
  worker?: KeeperWorker;
  /** Silence after which a pending call is rejected with `keeper-silent`, ms. Default 10,000. */
  silenceMs?: number;
  /**
   * The emulators of this page's build, newest first. {@link Machine.cprLoad} uses them if its
   * options name none. The emulator is never taken from the state.
   */
  runtimes?: readonly RuntimeSource[];
}

export interface StartOptions {
  /**
   * Replaces a running machine, and the one in storage under its id. Without it a running machine
   * rejects the call with `bad-runstate`. A stored one leaves the new durable guest unsaved:
   * `storage-occupied`.
   */
  replace?: boolean;
  /** Starts in `inmigrate`, and waits for {@link Machine.cprLoad}. */
  incoming?: boolean;
}

export interface OpenStateOptions extends ReadStateOptions {
  runtime: RuntimeSource;
  /** As in {@link StartOptions}. */
  replace?: boolean;
  /** A second life of the state, or the same machine resumed. Default `clone`. */
  identity?: StateIdentity;
  /**
   * Settings of the new machine that replace those of the state. `foreign` is true for a clone unless it is
   * given: say false for a state that is your own.
   */
  config?: Pick<
    Partial<MachineConfig>,
    'id' | 'name' | 'durable' | 'foreign' | 'suspendWhenHiddenMs' | 'mac'
  >;
  /**
   * Called before anything is fetched from or connected to an address that the state names:
   * addresses of other origins, and every network except a relay of the page itself. Called again,
   * with a `memory`, if the state unpacks to more than 256 MiB. Without this function such a state
   * is rejected.
   *
   * In Node, addresses that are not on the public internet are rejected even so, see
   * {@link allowPrivate}.
   */
  approve?(urls: readonly StateUrl[]): boolean | Promise<boolean>;
  /**
   * Node: the state may reach this computer, its network and its cloud's metadata, if it is
   * approved. Default false.
   */
  allowPrivate?: boolean;
}

/** Callbacks of {@link Machine.watch}. */
export interface WatchListener {
  /** The machine is shown: at first, and each time another worker resumes it. */
  began(): void;
  /** Called when the worker that ran it is gone. */
  gone(): void;
}

/** Machines in the storage of this browser. */
export interface MachineStorage extends StorageCalls {
  /** Asks the browser not to evict them. Resolves with its answer. */
  persist(): Promise<boolean>;
  /** The newest checkpoint of a machine as a state file, without resuming it. */
  exportState(id: string, options?: ExportStateOptions): IterableStream<Uint8Array>;
}

/** The keeper of this origin, and the one machine in it. Every method rejects with a {@link HoldfastError}. */
export interface Machine extends MachineCore, PublicCalls {
  onLost(listener: (error: HoldfastError) => void): () => void;
  start(config: MachineConfig, runtime: RuntimeSource, options?: StartOptions): Promise<void>;
  /** Updates a running guest: moves it to another runtime, in place. */
  restart(options: { runtime: RuntimeSource }): Promise<RestartReport>;
  /**
   * Stops the guest and writes its device state to `target`.
   *
   * Mode `restart`: the other runtime then holds the guest, its RAM untouched, in `inmigrate` until
   * {@link cprLoad} or {@link cprCancel}. Mode `reboot`: the rest of the guest is in storage, and
   * the machine is ended.
   *
   * If it fails, the machine returns to its previous run state, and the target keeps its old
   * contents.
   */
  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport>;
  /**
   * Loads a state that {@link cprSave} wrote, into a machine in `inmigrate` or, after mode
   * `reboot`, without a machine. A guest that ran runs, one that was paused is paused, and one that
   * was suspended waits for a wakeup. If it fails, the machine remains in `inmigrate`.
   */
  cprLoad(source: CprSource, options?: CprLoadOptions): Promise<CprLoadReport>;
  reset(): Promise<void>;
  /** Runs shell code in the guest through its agent. @throws HoldfastError `guest-silent`, `guest-failed` */
  execute(code: string, options?: ExecuteOptions): Promise<ExecuteResult>;
  /** Returns a console as streams: `serial0` (the default) to `serial3`, `virtio-console0`. */
  console(name?: string): GuestConsole;
  /**
   * Sets the size of the terminal that shows this console. The guest's agent passes it to programs in
   * the guest. The keeper sends it again whenever the guest reboots. Without an agent it has no effect.
   */
  terminalSize(name: string, size: { cols: number; rows: number }): Promise<void>;
  /** Sends PC scan codes, set 1. */
  scancodes(codes: readonly number[]): Promise<void>;
  /**
   * Presses keys together and releases them, with the names of QEMU's `sendkey`: `ret`,
   * `ctrl-alt-delete`, `shift-f1`. Rejects with `bad-command` for an unknown key.
   */
  sendKey(keys: string, options?: SendKeyOptions): Promise<void>;
  /**
   * Types on the PC keyboard, `\n` as Enter. Rejects with `bad-command`, before the first key, for
   * characters that the layout does not have.
   */
  type(text: string, options?: TypeOptions): Promise<void>;
  /**
   * Sets the lock lights of the user's keyboard. If the guest's own lights differ, it receives a press
   * of the lock key first. That happens before the next key that the lock affects. A guest that sets no lights is left
   * alone.
   */
  keyboardLocks(locks: { caps?: boolean; num?: boolean }): Promise<void>;
  /** Moves the mouse; up is positive `dy`, as a PS/2 mouse counts. */
  mouseDelta(dx: number, dy: number): Promise<void>;
  /**
   * Moves the mouse of guests that use absolute positions: pixels on a screen of `width` and
   * `height`.
   */
  mouseAbsolute(x: number, y: number, width: number, height: number): Promise<void>;
  /** Sets the buttons that are down. */
  mouseButtons(left: boolean, middle: boolean, right: boolean): Promise<void>;
  /** Turns the wheel, in notches; away from the user is positive. */
  mouseWheel(delta: number): Promise<void>;
  /** Reads a file of the 9p share. Paths are relative to the share: `dir/file`. */
  filesRead(path: string): Promise<Uint8Array>;
  /** Creates or replaces a file of the 9p share, and the directories that lead to it. */
  filesWrite(path: string, bytes: Uint8Array): Promise<void>;
  /** Lists a directory of the 9p share; `''` is the share itself. */
  filesList(path: string): Promise<NinepEntry[]>;
  infoNetwork(): Promise<NetworkInfo>;
  /**
   * Opens a TCP connection to a port of the guest, over the network backend `fetch`. The guest must
   * have the address that DHCP assigns. The connection survives live updates.
   *
   * Rejects with `not-found` if nothing listens, `guest-silent`, or `network-unavailable` with
   * another backend.
   */
  connectTcp(port: number, options?: ConnectTcpOptions): Promise<GuestSocket>;
  /** The drives, and what is in them. */
  infoBlock(): Promise<BlockInfo[]>;
  /** Inserts a medium into a drive while the guest runs. URLs are relative to this page. */
  changeMedia(device: RemovableDriveName, source: DriveSource): Promise<void>;
  ejectMedia(device: RemovableDriveName): Promise<void>;
  /**
   * Streams a disk as a raw image: its base with the guest's writes. The image of a running guest
   * is not consistent: pause it first.
   */
  diskImage(device: DriveName): IterableStream<Uint8Array>;
  /** Discards the guest's writes to a disk. The machine must be paused. */
  resetDisk(device: DriveName): Promise<void>;
  /** Checks if remote disks have changed; the blockers and `infoBlock` report it. */
  checkDisks(): Promise<void>;
  readMemory(address: number, length: number): Promise<Uint8Array>;
  writeMemory(address: number, bytes: Uint8Array): Promise<void>;
  /**
   * Returns the CPU registers between two instructions. They are consistent also while the guest
   * runs.
   */
  infoRegisters(): Promise<CpuRegisters>;
  /** Returns the guest's screen, as text cells or as pixels. */
  screen(): Promise<ScreenContents>;
  /** Returns the lines on a text screen, without blanks at their ends; empty in graphics mode. */
  screenText(): Promise<string>;
  /** Returns the guest's screen as a PNG, text as a VGA draws it. */
  screenshot(): Promise<Uint8Array<ArrayBuffer>>;
  /** Streams the screen now, and again after each change. */
  frames(options?: FramesOptions): IterableStream<Picture>;
  /**
   * Streams the sound of a machine with the option `sound`; nothing arrives while it is silent. A
   * slow reader misses sound that is more than a second behind. A machine that this page only
   * {@link watch}es has no sound.
   */
  sound(): IterableStream<SoundChunk>;
  /**
   * Presses the power button. A guest that handles it shuts down, and its run state is then
   * `shutdown`. Rejects with `bad-config` for a machine without ACPI, and with `bad-runstate` for a
   * guest that does not handle the button.
   */
  systemPowerdown(): Promise<void>;
  /** The machines in the storage of this browser. */
  readonly storage: MachineStorage;
  /**
   * Resumes a machine in storage from its newest intact checkpoint. Rejects with `not-found`,
   * `storage-damaged`, `taken-over` if it runs elsewhere, or `file-needed` without the files that
   * {@link StoredMachineInfo.needs} lists.
   */
  resumeStored(id: string, options: Omit<ResumeRequest, 'id'>): Promise<ResumeReport>;
  /** The machine that {@link watch} shows. */
  readonly watching: string | null;
  /**
   * Shows a machine of a worker that this page has no port to, such as one of another tab. Its
   * events and status arrive here; other calls cannot reach it. It ends with {@link unwatch}, or
   * when this page's keeper has a machine. Rejects with `not-found` if no keeper that runs it
   * answers.
   */
  watch(id: string, listener: WatchListener): Promise<void>;
  unwatch(): void;
  /**
   * Restores a snapshot with its run state. Guest time continues from there. To restore one snapshot
   * again costs only what changed since. Rejects with `not-found`, or `bad-runstate` for a guest that
   * crashed.
   */
  restore(snapshot: Pick<SnapshotInfo, 'id'>): Promise<RestoreReport>;
  /** Frees the memory of a snapshot. */
  dropSnapshot(snapshot: Pick<SnapshotInfo, 'id'>): Promise<void>;
  /**
   * Streams the machine as a state file while it runs. The file is one consistent cut, at the
   * moment of the call or a little later. Cancelling the stream aborts the export.
   */
  exportState(options?: ExportStateOptions): IterableStream<Uint8Array>;
  /**
   * Creates a machine from a state file. The current one runs until the new one runs, and keeps
   * running if this fails. Rejects with `bad-state-file`, `state-unavailable`, `wrong-base`,
   * `not-approved`, or the errors of {@link start}.
   */
  openState(source: StateSource | StateFile, options: OpenStateOptions): Promise<ImportReport>;
  /**
   * Returns the machine as a state of v86 itself, for its `restore_state` with the same machine
   * options. Rejects with `wrong-v86-state` for a machine with a hard disk.
   */
  exportV86State(): Promise<Uint8Array>;
  /**
   * Starts a machine with a state from v86's `save_state`, plain or compressed with zstd. If
   * `config` differs from the one it was saved with, it rejects with `wrong-v86-state` and names
   * the differences; the current machine then keeps running.
   */
  openV86State(
    state: Blob | Uint8Array,
    config: MachineConfig,
    runtime: RuntimeSource,
    options?: Pick<StartOptions, 'replace'>,
  ): Promise<void>;
  /** Detaches this page. The guest continues in the keeper. */
  close(): void;
}
