/** The calls a page makes to the keeper. Additive only: pages of any age use them. */

import type { MachineConfig } from './config.ts';
import type { Blocker, CprMode, CprSource, CprTarget, SavedRunstate } from './cpr.ts';
import type { TakenEvents } from './event-bytes.ts';
import type { MachineStatus, RestartTimings } from './events.ts';
import type { RuntimeSource } from './runtime-source.ts';
import type { RestoreReport, SnapshotInfo } from './snapshot.ts';
import type { ExportReport, ImportReport, ImportRequest } from './state-transfer.ts';
import type {
  CheckpointInfo,
  ExportedFile,
  ExportRequest,
  ResumeReport,
  ResumeRequest,
  SetDurableOptions,
  StorageUsage,
  StoredMachineInfo,
  StoredStateInfo,
} from './stored.ts';

export interface KeeperInfo {
  abiVersion: number;
  /** Random; two answers with the same id came from the same worker. */
  instanceId: string;
  /** Whether guests survive the page: a shared worker with an extended lifetime. */
  survivesPages: boolean;
  /** `Date.now()` when the worker began. */
  startedAtMs: number;
  /**
   * Name of a Web Lock that the worker holds for its whole life: who is granted it knows that the
   * worker is gone. Absent where there are no Web Locks (insecure origins).
   */
  keeperLock?: string;
  /** Names of the calls that this keeper answers. Absent from keepers of the first release. */
  methods?: readonly string[];
  machine: MachineStatus | null;
}

export interface StartRequest {
  /**
   * Images without contents, as a status has them, are those of the machine that is replaced, or that
   * is in storage under this id.
   */
  config: MachineConfig;
  runtime: RuntimeSource;
  /**
   * Replace a machine that is already there (without it, that is `bad-runstate`), and what is in
   * storage under its id (without it a durable guest runs, and is not saved: `storage-occupied`).
   */
  replace?: boolean;
  /** Comes up frozen in `inmigrate`, whatever the configuration says, and waits for `cprLoad`. */
  incoming?: boolean;
  /** A state of v86 itself, as its `save_state` gives it, to go on from instead of booting. */
  v86State?: Uint8Array;
}

export interface RestartReport {
  runtimeId: string;
  v86Version: string;
  timings: RestartTimings;
}

export interface PauseOptions {
  /**
   * The guest's time stands still as well, as with QEMU's `stop`: what passes until it is resumed has
   * not passed for its clocks and timers, and its time of day is behind by that. Default false.
   */
  stopsTime?: boolean;
}

export interface CprSaveOptions {
  mode: CprMode;
  /** Mode `restart`: who takes over at `cprLoad`. Without it the runtime of now, made anew. */
  runtime?: RuntimeSource;
}

export interface CprSaveReport {
  mode: CprMode;
  machineId: string;
  /** What the machine was doing, and does again after `cprLoad`. */
  runstate: SavedRunstate;
  savedAtMs: number;
  vmstateBytes: number;
  /** The vmstate itself, for the target `bytes`. */
  bytes?: Uint8Array;
  /** Mode `reboot`: the number of the checkpoint in storage. */
  generation?: number;
  /** Where the time went, ms. The guest stood still for all but `prepareMs`. */
  timings: { prepareMs: number; saveMs: number; checkpointMs?: number; writeMs: number };
}

export interface CprLoadOptions {
  /** Who runs the guest. Without it: the one that `cprSave` or `start` made ready. */
  runtime?: RuntimeSource;
  /**
   * The runtimes of the caller's build, newest first. Where a machine has to be made, and `runtime`
   * names none, the one that saved the state is taken, or the newest. What a state names is never
   * imported. Without both, the runtime that the machine was stored with runs it, if it is one of
   * the keeper's own site.
   */
  runtimes?: readonly RuntimeSource[];
  /**
   * A machine that is there goes on until the loaded one takes its place, and for good when that
   * fails. Without it there must be none, or one in `inmigrate`.
   */
  replace?: boolean;
}

export interface CprLoadReport {
  machineId: string;
  /** What the machine is doing now: what it did when it was saved. */
  runstate: SavedRunstate;
  savedAtMs: number;
  runtimeId: string;
  v86Version: string;
  /** The newest checkpoint was damaged and the one before was taken: which, and why. */
  fellBack?: string;
  timings: { readMs: number; prepareMs: number; restoreMs?: number; loadMs: number };
}

/** A part of the guest's memory. What stands in it is in none of a vmstate's sections. */
export interface RamBlockInfo {
  /** `pc.ram`, `vga.vram`, `vga.planes`, and within them `pc.bios`, `vga.rom`… */
  name: string;
  sizeBytes: number;
  /** Where its region begins in the keeper's memory; the same as long as the machine lives. */
  address?: number;
  /** Where the guest sees it. */
  guestAddress?: number;
  /** The block that this one is a part of. */
  partOf?: string;
  /** `xxh64:…` of its contents, when asked for. */
  digest?: string;
  /** The guest runs: the digest is of no single moment. */
  moving?: boolean;
}

export interface KeeperApi extends StoredMachineCalls, StateFileCalls {
  info(): KeeperInfo;
  ping(): number;
  /**
   * Subscribes to the machine's events (posted to `port` as {@link MachineEvent}).
   * `pageLock`: name of a Web Lock that the page holds for as long as it lives; empty where it has
   * no Web Locks. Such a page says that it leaves by any message to its end of the port.
   * `pageId`: what the page calls itself in {@link visibility}.
   */
  attach(port: MessagePort, pageLock: string, pageId?: string): Promise<KeeperInfo>;
  start(request: StartRequest): Promise<void>;
  restart(runtime: RuntimeSource): Promise<RestartReport>;
  pause(options?: PauseOptions): Promise<void>;
  resume(): Promise<void>;
  destroy(): Promise<void>;
  ramBlocks(options?: { digests?: boolean }): Promise<RamBlockInfo[]>;
  /** A {@link RuntimeCommands} member by name. */
  command(name: string, args: unknown[]): unknown;
  /** The guest stops executing until something wakes it: input, network, or {@link wakeup}. */
  suspend(): Promise<void>;
  /** @throws CprError `bad-runstate` unless the machine is suspended */
  wakeup(): Promise<void>;
  /** Whether the page of this id can be seen. One that never says so counts as visible. */
  visibility(pageId: string, visible: boolean): void;
  /**
   * The page of this id takes `frames` more frames of sound, as `audio` events, up to a second in
   * all: what comes when it takes none is left out. 0: it takes no more.
   */
  listen(pageId: string, frames: number): void;
  /**
   * A page shows the console as a terminal of this size. A guest with an agent learns it then, and again
   * whenever it begins anew. The last page to say so counts.
   */
  terminalSize(console: string, cols: number, rows: number): void;
  /**
   * The page of this id has drawn and shown what it was sent, and has room for more. From the first call
   * on it is sent no more than that: it misses pictures, and parts of consoles that are forgotten
   * meanwhile. One that never calls is sent everything.
   */
  took(pageId: string, taken: TakenEvents): void;
  /** Why `cprSave` in this mode would be refused now; empty when it would not. */
  cprBlockers(mode: CprMode): Promise<Blocker[]>;
  /**
   * Stops the guest and writes its device state. `restart`: the machine is then in `inmigrate`, in
   * the hands of the other runtime, RAM untouched, until {@link cprLoad} or {@link cprCancel}.
   * `reboot`: everything else is in storage, and the machine is ended. When it fails the machine is
   * in the runstate it had.
   */
  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport>;
  /**
   * Loads what {@link cprSave} wrote and goes on as it was: running, paused or suspended. When it
   * fails the machine is in `inmigrate` as before.
   */
  cprLoad(source: CprSource, options?: CprLoadOptions): Promise<CprLoadReport>;
  /** After a `cprSave` in mode `restart`: the guest goes on in the runtime it had. */
  cprCancel(): Promise<void>;
  /** A snapshot of all of the guest in this keeper's memory. */
  takeSnapshot(): Promise<SnapshotInfo>;
  /**
   * The guest goes on from where the snapshot was taken, in the runtime of now.
   * @throws CprError `not-found`
   */
  restoreSnapshot(id: string): Promise<RestoreReport>;
  dropSnapshot(id: string): Promise<void>;
  snapshots(): Promise<SnapshotInfo[]>;
}

/** What a keeper does for machines in storage. Every call rejects with `storage-unavailable` where there is none. */
interface StoredMachineCalls {
  storedMachines(): Promise<StoredMachineInfo[]>;
  storageUsage(): Promise<StorageUsage>;
  renameMachine(id: string, name: string): Promise<void>;
  /** Resolves with the copy's id. */
  duplicateMachine(id: string, name: string): Promise<string>;
  /** @throws CprError `busy` for a machine that runs */
  removeMachine(id: string): Promise<void>;
  /**
   * Sends a stored machine to whoever writes a state file: its newest checkpoint.
   * @throws CprError `not-found`, `storage-damaged`
   */
  exportStored(id: string, port: MessagePort): Promise<ExportReport>;
  /** The named entries that {@link KeeperApi.cprSave} wrote. */
  storedStates(): Promise<StoredStateInfo[]>;
  /** That it is not there is no error. */
  removeState(name: string): Promise<void>;
  /**
   * Without going on with it; of one that runs, its newest checkpoint.
   * @throws CprError `not-found`, `storage-damaged`, or `image-unavailable` for a disk's base
   */
  exportMachine(id: string, request: ExportRequest): Promise<ExportedFile>;
  /**
   * Goes on with a machine from its newest checkpoint that is whole.
   * @throws CprError `not-found`, `storage-damaged`, or `taken-over` when it runs elsewhere
   */
  resumeMachine(request: ResumeRequest): Promise<ResumeReport>;
  /** A checkpoint now. */
  checkpoint(): Promise<CheckpointInfo>;
  /**
   * Whether checkpoints are taken by themselves. They are until this says otherwise.
   */
  setDurable(on: boolean, options?: SetDurableOptions): Promise<void>;
  /**
   * A page that takes its worker with it waits, blocked, for the first word of `flag` to become
   * {@link flushed}: a last checkpoint at once. @param flag an Int32 in shared memory
   */
  flush(flag: SharedArrayBuffer): void;
}

/** A guest that leaves its keeper as a state file, or arrives from one: items over a port. */
interface StateFileCalls {
  /**
   * Sends a consistent cut of the guest to `port` as {@link LeavingItem}s of a `PortSender`, while it
   * goes on. Resolves when all of it was taken.
   */
  exportGuest(port: MessagePort): Promise<ExportReport>;
  /**
   * Makes a machine of the {@link ArrivingItem}s that a `PortSender` sends to `port`. One that is
   * there goes on until the new one runs, and whenever this fails.
   */
  importGuest(request: ImportRequest, port: MessagePort): Promise<ImportReport>;
}

/** Values of the word that {@link StoredMachineCalls.flush} is given; 0 before. */
export const flushed = { saved: 1, failed: 2 } as const;
