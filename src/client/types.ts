/** The page's view of a machine. Implemented by `machine.ts`; `src/index.ts` exports it. */

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
  /** The keeper's worker, where it was opened before, with the options above. */
  worker?: KeeperWorker;
  /** Silence after which a pending call is rejected with `keeper-silent`, ms. Default 10,000. */
  silenceMs?: number;
  /**
   * The emulators of this page's build, newest first: what {@link Machine.cprLoad} takes a machine's
   * emulator from where its options name none. A state never names the one that is run.
   */
  runtimes?: readonly RuntimeSource[];
}

export interface StartOptions {
  /**
   * Replace a machine that is already there (without it, that is `bad-runstate`), and what is in
   * storage under its id (without it a durable guest runs, and is not saved: `storage-occupied`).
   */
  replace?: boolean;
  /** Comes up frozen in `inmigrate` and waits for {@link Machine.cprLoad}. */
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
   * Asked before anything is fetched or connected to that the state names: what is of another origin,
   * and every network but a relay of the page's own. Asked again, with a `memory`, where the state
   * unpacks to more than 256 MiB. Without it such a state is refused. In Node addresses that are not
   * of the internet are refused all the same, see {@link allowPrivate}.
   */
  approve?(urls: readonly StateUrl[]): boolean | Promise<boolean>;
  /**
   * Node: the state may reach this computer, its network and its cloud's metadata, if it is approved.
   * Default false.
   */
  allowPrivate?: boolean;
}

/** Callbacks of {@link Machine.watch}. */
export interface WatchListener {
  /** The machine is shown: at first, and each time another worker resumes it. */
  began(): void;
  /** The worker that ran it is gone. */
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
  /** Live update: hands the running guest over to another runtime, in place. */
  restart(options: { runtime: RuntimeSource }): Promise<RestartReport>;
  /**
   * Stops the guest and writes its device state to `target`. Mode `restart`: the guest is then in
   * the hands of the other runtime, its RAM untouched, in `inmigrate` until {@link cprLoad} or
   * {@link cprCancel}. Mode `reboot`: the rest of it is in storage, and the machine is ended.
   * When it fails, the machine is in the runstate it had and what was at the target is still there.
   */
  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport>;
  /**
   * Loads what {@link cprSave} wrote, into a machine in `inmigrate` or, after mode `reboot`, with no
   * machine at all. A guest that ran runs, one that was paused is paused, one that was suspended
   * waits for what wakes it. When it fails the machine is in `inmigrate` as before.
   */
  cprLoad(source: CprSource, options?: CprLoadOptions): Promise<CprLoadReport>;
  reset(): Promise<void>;
  /** Runs shell code in the guest through its agent. @throws HoldfastError `guest-silent`, `guest-failed` */
  execute(code: string, options?: ExecuteOptions): Promise<ExecuteResult>;
  /** A console as streams: `serial0` (the default) to `serial3`, `virtio-console0`. */
  console(name?: string): GuestConsole;
  /**
   * Tells the guest how large the terminal is that shows this console, through its agent: programs in it
   * ask for that. Again by itself whenever the guest begins anew. Nothing happens without an agent.
   */
  terminalSize(name: string, size: { cols: number; rows: number }): Promise<void>;
  /** PC scan codes, set 1. */
  scancodes(codes: readonly number[]): Promise<void>;
  /**
   * Presses keys together and lets them go, with the names of QEMU's `sendkey`: `ret`,
   * `ctrl-alt-delete`, `shift-f1`. Rejects with `bad-command` for a key that there is not.
   */
  sendKey(keys: string, options?: SendKeyOptions): Promise<void>;
  /**
   * Types on the PC keyboard, `\n` as Enter. Rejects with `bad-command`, before the first key, for
   * characters that the layout does not have.
   */
  type(text: string, options?: TypeOptions): Promise<void>;
  /**
   * What the lights of the user's keyboard show. Before the guest's next key that a lock changes, it
   * gets a press of the lock key where its own lights differ. A guest that sets no lights is left alone.
   */
  keyboardLocks(locks: { caps?: boolean; num?: boolean }): Promise<void>;
  /** Moves the mouse; up is positive `dy`, as a PS/2 mouse counts. */
  mouseDelta(dx: number, dy: number): Promise<void>;
  /** For guests that take absolute positions: pixels on a screen of `width` and `height`. */
  mouseAbsolute(x: number, y: number, width: number, height: number): Promise<void>;
  /** Which buttons are down from now on. */
  mouseButtons(left: boolean, middle: boolean, right: boolean): Promise<void>;
  /** Notches of the wheel; away from the user is positive. */
  mouseWheel(delta: number): Promise<void>;
  /** A file of the 9p share. Paths are relative to the share: `dir/file`. */
  filesRead(path: string): Promise<Uint8Array>;
  /** Makes or replaces a file of the 9p share, and the directories that lead to it. */
  filesWrite(path: string, bytes: Uint8Array): Promise<void>;
  /** What is in a directory of the 9p share; `''` is the share itself. */
  filesList(path: string): Promise<NinepEntry[]>;
  infoNetwork(): Promise<NetworkInfo>;
  /**
   * Opens a TCP connection to a port of the guest, over the network backend `fetch`; the guest must have
   * the address that DHCP gives it. It goes on through live updates. Rejects with `not-found` where nothing
   * listens, `guest-silent`, or `network-unavailable` with another backend.
   */
  connectTcp(port: number, options?: ConnectTcpOptions): Promise<GuestSocket>;
  /** The drives, and what is in them. */
  infoBlock(): Promise<BlockInfo[]>;
  /** Puts a medium into a drive while the guest runs. URLs are relative to this page. */
  changeMedia(device: RemovableDriveName, source: DriveSource): Promise<void>;
  ejectMedia(device: RemovableDriveName): Promise<void>;
  /**
   * A disk as a raw image: its base and what the guest wrote. Of a guest that runs it is no
   * consistent one: pause it first.
   */
  diskImage(device: DriveName): IterableStream<Uint8Array>;
  /** Throws away what the guest wrote to a disk. The machine must be paused. */
  resetDisk(device: DriveName): Promise<void>;
  /** Looks whether disks that are elsewhere have changed there; the blockers and `infoBlock` say so. */
  checkDisks(): Promise<void>;
  readMemory(address: number, length: number): Promise<Uint8Array>;
  writeMemory(address: number, bytes: Uint8Array): Promise<void>;
  /** The CPU between two instructions; of one moment also while the guest runs. */
  infoRegisters(): Promise<CpuRegisters>;
  /** What is on the guest's screen, as text cells or as pixels. */
  screen(): Promise<ScreenContents>;
  /** The lines on a text screen, without blanks at their ends; empty in graphics. */
  screenText(): Promise<string>;
  /** The guest's screen as a PNG, text as a VGA draws it. */
  screenshot(): Promise<Uint8Array<ArrayBuffer>>;
  /** The screen now, and again after each change. */
  frames(options?: FramesOptions): IterableStream<Picture>;
  /**
   * What the guest plays, of a machine with the option `sound`: nothing comes while it is silent. A
   * reader who is slow misses what is more than a second behind. Of a machine that this page only
   * {@link watch}es nothing is heard.
   */
  sound(): IterableStream<SoundChunk>;
  /**
   * Presses the power button: a guest that listens shuts itself down, and is `shutdown` then. Rejects
   * with `bad-config` for a machine without ACPI, with `bad-runstate` for a guest that does not listen.
   */
  systemPowerdown(): Promise<void>;
  /** The machines in the storage of this browser. */
  readonly storage: MachineStorage;
  /**
   * Goes on with a machine in storage from its newest checkpoint that is whole. Rejects with
   * `not-found`, `storage-damaged`, `taken-over` when it runs elsewhere, or `file-needed` without the
   * files that {@link StoredMachineInfo.needs} lists.
   */
  resumeStored(id: string, options: Omit<ResumeRequest, 'id'>): Promise<ResumeReport>;
  /** The machine that {@link watch} shows. */
  readonly watching: string | null;
  /**
   * Shows a machine that runs in a worker which this page has no port to, as one of another tab: its
   * events and its status arrive here, nothing can be done to it. Until {@link unwatch}, or until
   * this page's keeper has a machine. Rejects with `not-found` when nobody who runs it answers.
   */
  watch(id: string, listener: WatchListener): Promise<void>;
  unwatch(): void;
  /**
   * Brings the guest back to a snapshot, and to what it was doing then; guest time goes on from
   * there. Going back again and again to one snapshot costs what changed since. Rejects with
   * `not-found`, or `bad-runstate` for a guest that crashed.
   */
  restore(snapshot: Pick<SnapshotInfo, 'id'>): Promise<RestoreReport>;
  /** Gives the memory of a snapshot back. */
  dropSnapshot(snapshot: Pick<SnapshotInfo, 'id'>): Promise<void>;
  /**
   * The machine as a state file, while it goes on: what is written is the moment of the call or a
   * little later, as one consistent cut. Cancelling the stream gives it up.
   */
  exportState(options?: ExportStateOptions): IterableStream<Uint8Array>;
  /**
   * Makes a machine of a state file. The one that is there goes on until the new one runs, and
   * whenever this fails. Rejects with `bad-state-file`, `state-unavailable`, `wrong-base`,
   * `not-approved`, or what {@link start} rejects with.
   */
  openState(source: StateSource | StateFile, options: OpenStateOptions): Promise<ImportReport>;
  /**
   * The machine as a state of v86 itself, for its `restore_state`, with the same machine options.
   * Rejects with `wrong-v86-state` for a machine with a hard disk.
   */
  exportV86State(): Promise<Uint8Array>;
  /**
   * Starts a machine with a state that v86's `save_state` gave, as it is or through zstd. Rejects
   * with `wrong-v86-state`, naming what differs, when `config` is not what it was saved with; the
   * machine that is there then goes on.
   */
  openV86State(
    state: Blob | Uint8Array,
    config: MachineConfig,
    runtime: RuntimeSource,
    options?: Pick<StartOptions, 'replace'>,
  ): Promise<void>;
  /** Leaves; the guest goes on in the keeper. */
  close(): void;
}
