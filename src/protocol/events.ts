/**
 * Events that the keeper sends to every attached page. A new page first gets the events that bring
 * it up to date. The live events follow in order, with no gap.
 */
import type { HoldfastErrorCode } from '../errors.ts';
import type { MachineConfig } from './config.ts';
import type { KeeperAddress } from './keeper-lookup.ts';
import type { MigrationInfo } from './migration.ts';
import type { Durability, StartSource } from './stored.ts';

export type Runstate =
  | 'prelaunch'
  | 'running'
  | 'paused'
  | 'suspended'
  | 'save-vm'
  | 'inmigrate'
  | 'postmigrate'
  | 'postcopy-paused'
  | 'internal-error'
  | 'shutdown';

/** The rest of a guest's memory, which arrives while the guest runs: see docs/spec/lazy-memory.md. */
export interface MemoryArrival {
  /** Bytes of the state file that are here. */
  loadedBytes: number;
  totalBytes: number;
  /** True while the guest waits for a part of it. */
  isWaiting: boolean;
  /** Waits of the guest so far, and the time of all of them, ms. */
  waits: number;
  waitedMs: number;
  /** Why it does not arrive now. It is requested again without a call. */
  error?: { code: HoldfastErrorCode; message: string };
}

/** The values of the state line. Sent about once a second and on change. */
export interface MachineStatus {
  runstate: Runstate;
  config: MachineConfig;
  runtimeId: string;
  v86Version: string;
  /** Millions of guest instructions per second, over the last second. */
  mips: number;
  /**
   * Wall-clock time (`Date.now()`) of the guest's last cold boot or reset, or of its start as a
   * clone.
   */
  bootedAtMs: number;
  /** Restarts in place since the machine was created. */
  restarts: number;
  /** Downtime of the last restart, ms; absent before the first. */
  lastPauseMs?: number;
  /** Number of pages attached now. */
  pages: number;
  /**
   * With runstate `shutdown`: true if the machine was destroyed. Otherwise the guest powered itself
   * down.
   */
  destroyed?: boolean;
  /** With `destroyed`, if the user did not request it: the reason. */
  reason?: { code: HoldfastErrorCode; message: string };
  /** Why the runstate is `internal-error`. */
  crash?: string;
  /** Present until all of the guest's memory has arrived. */
  memory?: MemoryArrival;
  /** State of the checkpoints in storage. Absent from keepers without storage. */
  durability?: Durability;
  /** The way the guest was started. */
  startSource?: StartSource;
  /**
   * {@link startSource} under its name of the first release, for that release's pages and from its
   * keepers.
   */
  arrival?: StartSource;
  /**
   * Grows with every status of a keeper. Answers and events travel separately; the higher revision
   * is newer.
   */
  revision?: number;
}

/** Text screen: `cells` holds 3 words a cell: character code | flags << 8, background 0xRRGGBB, foreground 0xRRGGBB. */
export interface TextScreen {
  cols: number;
  rows: number;
  cells: Int32Array;
}

/** Bits of a text cell's flags, above the character code. */
export const cellFlag = { blinking: 0x01, fontPageB: 0x02 } as const;

export interface TextFont {
  /** Pixels: 8 or 9 (or twice that) wide. */
  width: number;
  height: number;
  /** The 9th column repeats the 8th for box-drawing characters (codes 0xc0 to 0xdf). */
  copyNinthColumn: boolean;
  doubleWidth: boolean;
  /** 8 font pages of 256 glyphs of 32 rows of 8 pixels: 65,536 bytes. */
  glyphs: Uint8Array;
  pageA: number;
  pageB: number;
}

export interface TextCursor {
  row: number;
  col: number;
  /** Scan lines, inclusive. */
  start: number;
  end: number;
  visible: boolean;
}

/** The whole VGA screen at one moment. */
export type ScreenContents =
  | { mode: 'text'; screen: TextScreen; font: TextFont; cursor: TextCursor }
  /** `pixels`: RGBA, tightly packed. */
  | { mode: 'graphics'; width: number; height: number; pixels: Uint8ClampedArray };

export type MachineEvent =
  | { type: 'status'; status: MachineStatus }
  /** Boot images that are being fetched. `total` is 0 if the server does not send it. */
  | { type: 'progress'; file: string; loaded: number; total: number; done: boolean }
  /** Console output. `offset`: number of bytes that this console wrote before these. */
  | {
      type: 'console';
      console: string;
      offset: number;
      bytes: Uint8Array;
      /**
       * Replayed output from before this page or keeper existed. Terminal queries in it were
       * already answered.
       */
      again?: true;
    }
  /** A text screen begins: its complete state. */
  | { type: 'screen-text'; screen: TextScreen; font: TextFont; cursor: TextCursor }
  /** Changed rows of the text screen. `cells` covers `rows` complete rows from `row`. */
  | { type: 'screen-cells'; row: number; rows: number; cells: Int32Array }
  | { type: 'screen-font'; font: TextFont }
  | { type: 'screen-cursor'; cursor: TextCursor }
  /** A graphics screen begins; its contents follow as frames. */
  | { type: 'screen-graphics'; width: number; height: number }
  /** A dirty rectangle, RGBA, tightly packed. */
  | {
      type: 'screen-frame';
      x: number;
      y: number;
      width: number;
      height: number;
      pixels: Uint8ClampedArray;
    }
  /** Samples from -1 to 1, only to pages that asked for them. Nothing is sent while the guest is silent. */
  | {
      type: 'audio';
      /** Frames a second. */
      sampleRate: number;
      left: Float32Array<ArrayBuffer>;
      right: Float32Array<ArrayBuffer>;
    }
  /** The guest wants absolute mouse positions (VMware mouse) or relative ones. */
  | { type: 'mouse-mode'; absolute: boolean; enabled: boolean }
  /**
   * A disk with an external base. `waiting`: the base is unreachable and the guest waits. `ready`:
   * it is reachable again. `failed`: the wait ended and the guest got a disk error. `device` is
   * `boot` for the firmware and kernel of a guest that boots again.
   */
  | { type: 'disk'; device: string; state: 'waiting' | 'ready' | 'failed'; message: string }
  | { type: 'restarted'; runtimeId: string; v86Version: string; timings: RestartTimings }
  /**
   * The guest was restored to the snapshot. Console output up to its moment was sent before this
   * event.
   */
  | { type: 'snapshot-restored'; id: string }
  /** The status of a migration to another keeper has changed, or one of its rounds has ended. */
  | { type: 'migration'; info: MigrationInfo }
  /**
   * The guest moved to the keeper in this worker, and runs there. This page follows it; the event
   * reaches listeners when it has.
   */
  | { type: 'moved'; to: KeeperAddress; downtimeMs?: number }
  | { type: 'error'; code: HoldfastErrorCode; message: string };

/**
 * Durations of a restart's steps, ms. `pauseMs`: from the old runtime's last slice to the new one's
 * first.
 */
export interface RestartTimings {
  /** Before the stop; the guest still ran. */
  prepareMs: number;
  stopMs: number;
  saveMs: number;
  swapMs: number;
  loadMs: number;
  pauseMs: number;
  vmstateBytes: number;
}
