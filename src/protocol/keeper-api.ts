/** Arguments and answers of the keeper's calls. Additive only: pages of any age use them. */

import type { MachineConfig } from './config.ts';
import type { CprMode, SavedRunstate } from './cpr.ts';
import type { MachineStatus, RestartTimings } from './events.ts';
import type { RuntimeSource } from './runtime-source.ts';

export interface KeeperInfo {
  abiVersion: number;
  /** Random; two answers with the same id come from the same worker. */
  instanceId: string;
  /** True if guests survive the page: the keeper is a shared worker with an extended lifetime. */
  survivesPages: boolean;
  /** `Date.now()` when the worker began. */
  startedAtMs: number;
  /**
   * Name of a Web Lock that the worker holds for its whole life. A client that is granted the lock
   * knows that the worker has ended. Absent without Web Locks (insecure origins).
   */
  keeperLock?: string;
  /** Id of the keeper's build. Absent from keepers that cannot move their guest. */
  build?: string;
  /** Names of the calls that this keeper answers. Absent from keepers of the first release. */
  methods?: readonly string[];
  machine: MachineStatus | null;
}

export interface StartRequest {
  /**
   * Images may lack their contents, as in a status. They are then taken from the machine that is
   * replaced, or from the one in storage under this id.
   */
  config: MachineConfig;
  runtime: RuntimeSource;
  /**
   * Replaces a running machine, and the one in storage under this id. Without it a running machine
   * rejects the call with `bad-runstate`. A stored one leaves the new durable guest unsaved:
   * `storage-occupied`.
   */
  replace?: boolean;
  /** Starts frozen in `inmigrate`, also against the configuration, and waits for `cprLoad`. */
  incoming?: boolean;
  /** A state from v86's own `save_state`, to resume from instead of booting. */
  v86State?: Uint8Array;
}

export interface RestartReport {
  runtimeId: string;
  v86Version: string;
  timings: RestartTimings;
}

export interface PauseOptions {
  /**
   * Stops the guest's time as well, as QEMU's `stop` does. Its clocks and timers do not count the
   * pause, and its time of day is late by that much. Default false.
   */
  stopsTime?: boolean;
}

export interface CprSaveOptions {
  mode: CprMode;
  /**
   * Mode `restart`: the runtime that takes over at `cprLoad`. Without it, a new instance of the
   * present one.
   */
  runtime?: RuntimeSource;
}

export interface CprSaveReport {
  mode: CprMode;
  machineId: string;
  /** Run state of the machine, which `cprLoad` restores. */
  runstate: SavedRunstate;
  savedAtMs: number;
  vmstateBytes: number;
  /** The vmstate itself, for the target `bytes`. */
  bytes?: Uint8Array;
  /** Mode `reboot`: the number of the checkpoint in storage. */
  generation?: number;
  /** Durations of the steps, ms. The guest was stopped during all of them but `prepareMs`. */
  timings: { prepareMs: number; saveMs: number; checkpointMs?: number; writeMs: number };
}

export interface CprLoadOptions {
  /** Runtime that executes the guest. Default: the one that `cprSave` or `start` prepared. */
  runtime?: RuntimeSource;
  /**
   * The runtimes of the caller's build, newest first. They are used if a machine must be created
   * and `runtime` names none: the one that saved the state, or else the newest. A runtime that only
   * the state names is never imported. Without both options, the machine's stored runtime runs it,
   * if that is one of the keeper's own site.
   */
  runtimes?: readonly RuntimeSource[];
  /**
   * Replaces the present machine. It runs until the loaded one takes its place, and continues if
   * the load fails. Without this option there must be no machine, or one in `inmigrate`.
   */
  replace?: boolean;
}

export interface CprLoadReport {
  machineId: string;
  /** Run state of the machine: the same as when it was saved. */
  runstate: SavedRunstate;
  savedAtMs: number;
  runtimeId: string;
  v86Version: string;
  /** Present if the newest checkpoint was damaged and the previous one was used: which, and why. */
  fellBack?: string;
  timings: { readMs: number; prepareMs: number; restoreMs?: number; loadMs: number };
}

/** A part of the guest's memory. None of a vmstate's sections holds its contents. */
export interface RamBlockInfo {
  /** `pc.ram`, `vga.vram`, `vga.planes`, and within them `pc.bios`, `vga.rom`… */
  name: string;
  sizeBytes: number;
  /** Address of its region in the keeper's memory; constant while the machine lives. */
  address?: number;
  /** Guest-physical address. */
  guestAddress?: number;
  /** The block that this one is a part of. */
  partOf?: string;
  /** `xxh64:…` of its contents, if requested. */
  digest?: string;
  /** True if the guest was running: the digest is of no single moment. */
  moving?: boolean;
}

/** Values of the word that {@link PageCalls.flush} is given; 0 before. */
export const flushed = { saved: 1, failed: 2 } as const;
