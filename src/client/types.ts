/** API of a machine for pages. `machine.ts` implements it; `src/index.ts` exports it. */

import type { HoldfastError } from '../errors.ts';
import type { Picture } from '../pc/picture.ts';
import type { BlockInfo } from '../protocol/block-info.ts';
import type { DriveName, DriveSource, RemovableDriveName } from '../protocol/config.ts';
import type { ScreenContents } from '../protocol/events.ts';
import type { PublicCalls, StorageCalls } from '../protocol/keeper-calls.ts';
import type { NetworkInfo } from '../protocol/network.ts';
import type { NinepEntry } from '../protocol/ninep.ts';
import type { CpuRegisters } from '../protocol/registers.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { ExportStateOptions } from '../state-file/types.ts';
import type { ExecuteOptions, ExecuteResult } from './agent.ts';
import type { GuestConsole } from './console-types.ts';
import type { FramesOptions } from './frames.ts';
import type { ConnectTcpOptions, GuestSocket } from './guest-socket.ts';
import type { IterableStream } from './iterable-stream.ts';
import type { KeeperWorker, KeeperWorkerOptions } from './keeper-worker.ts';
import type { MachineCore } from './machine-core.ts';
import type { SoundChunk } from './sound.ts';
import type { SendKeyOptions, TypeOptions } from './typist.ts';
import type { UpgradeOptions, UpgradeReport } from './upgrade-keeper.ts';
import type { WrappedCalls } from './wrapped-calls.ts';

export type { OpenStateOptions, StartOptions } from './start-options.ts';

export interface ConnectOptions extends KeeperWorkerOptions {
  /** The keeper's worker, if the caller already opened it with the options above. */
  worker?: KeeperWorker;
  /** Silence after which a pending call is rejected with `keeper-silent`, ms. Default 10,000. */
  silenceMs?: number;
  /**
   * The runtimes of this page's build, newest first. {@link Machine.cprLoad} uses them if its
   * options name none. The runtime is never taken from the state.
   */
  runtimes?: readonly RuntimeSource[];
  /**
   * Whether the guest moves out of a running keeper whose ABI this page does not speak. `needed`, the
   * default: it moves to the keeper of this page's site, unless something would not follow it.
   * `override`: it moves in any case. `never`: the page rejects with `keeper-incompatible`.
   */
  upgrade?: 'needed' | 'override' | 'never';
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
export interface Machine extends MachineCore, PublicCalls, WrappedCalls {
  onLost(listener: (error: HoldfastError) => void): () => void;
  reset(): Promise<void>;
  /** Runs shell code in the guest through its agent. @throws HoldfastError `guest-silent`, `guest-failed` */
  execute(code: string, options?: ExecuteOptions): Promise<ExecuteResult>;
  /** Returns a console as streams: `serial0` (the default) to `serial3`, `virtio-console0`. */
  console(name?: string): GuestConsole;
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
   * Moves the running guest to the keeper that the site serves now, another worker. All pages that
   * show the guest follow it. Resolves with null if that keeper runs it already.
   *
   * Rejects with `blocked` if something would not follow the guest, unless `override` is set. Rejects
   * with `keeper-incompatible` for a keeper of the first release. Rejects with `site-updated` if this
   * page is too old for the other keeper. The guest then continues where it is.
   */
  upgradeKeeper(options?: UpgradeOptions): Promise<UpgradeReport | null>;
  /**
   * Returns the machine as a state of v86 itself, for its `restore_state` with the same machine
   * options. Rejects with `wrong-v86-state` for a machine with a hard disk.
   */
  exportV86State(): Promise<Uint8Array>;
  /** Detaches this page. The guest continues in the keeper. */
  close(): void;
}
