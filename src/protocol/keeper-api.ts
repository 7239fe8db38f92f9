/** What calls of the keeper are given, and what they answer. Additive only: pages of any age use them. */

import type { MachineConfig } from './config.ts';
import type { CprMode, SavedRunstate } from './cpr.ts';
import type { MachineStatus, RestartTimings } from './events.ts';
import type { RuntimeSource } from './runtime-source.ts';

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
  /** Run state of the machine, which `cprLoad` restores. */
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
  /** Runtime that executes the guest. Default: the one that `cprSave` or `start` prepared. */
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
  /** Run state of the machine: the same as when it was saved. */
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

/** Values of the word that {@link PageCalls.flush} is given; 0 before. */
export const flushed = { saved: 1, failed: 2 } as const;
