/** Calls and events about a guest that moves to another keeper while it runs. Additive only. */
import type { HoldfastErrorCode } from '../errors.ts';
import type { CarriedContents } from './carried-contents.ts';
import type { MachineConfig } from './config.ts';
import type { Blocker } from './cpr.ts';
import type { ImageName } from './images.ts';
import type { RuntimeSource } from './runtime-source.ts';

/** Parameters of a migration, with the meaning that QEMU gives them. */
export interface MigrationParameters {
  /**
   * Longest downtime, ms. The guest stops once the rest can be sent in this time. A switchover that
   * takes longer is given up, and the guest runs on at the source.
   */
  downtimeLimitMs: number;
  /** Most bytes a second; 0: no limit. It does not hold for the switchover. */
  maxBandwidth: number;
  /** Waits before the switchover, while the guest runs, for `migrateContinue`. */
  pauseBeforeSwitchover: boolean;
  /** Slows a guest down that writes faster than the channel carries. */
  autoConverge: boolean;
}

export const defaultMigrationParameters: MigrationParameters = {
  downtimeLimitMs: 300,
  maxBandwidth: 0,
  pauseBeforeSwitchover: false,
  autoConverge: true,
};

export type MigrateOptions = Partial<MigrationParameters>;

/**
 * `setup`: the destination gets ready. `active`: memory is copied while the guest runs.
 * `pre-switchover`: waits for `migrateContinue`. `device`: the guest stands still while the rest is
 * sent.
 */
export type MigrationStatus =
  | 'none'
  | 'setup'
  | 'active'
  | 'pre-switchover'
  | 'device'
  | 'completed'
  | 'failed'
  | 'cancelled';

/**
 * Parts of a downtime, ms. `memory`: the last round over memory. `save`: the device state. `send`: until the
 * destination has taken both. `load`: the destination loads the devices. `run`: the last messages, and the
 * machine's lock.
 */
export type DowntimeParts = Record<`${'memory' | 'save' | 'send' | 'load' | 'run'}Ms`, number>;

export type DowntimePart = keyof DowntimeParts;

/** The present or last migration of a machine, as QEMU's `info migrate` reports it. */
export interface MigrationInfo {
  status: MigrationStatus;
  /** Bytes sent. */
  transferredBytes: number;
  /**
   * Bytes of changed memory that were not sent yet, when the last round ended. During the first round: bytes
   * of memory that it has not come to.
   */
  remainingBytes: number;
  /** Bytes of the guest's memory. Absent before the first round. */
  totalBytes?: number;
  /** Pages whose contents one word fills, or an equal page has, so that only a number was sent. */
  duplicatePages: number;
  /** Pages that the guest changed per second, during the last round. */
  dirtyPagesRate: number;
  /** Bytes a second that the channel carries. */
  bandwidth: number;
  /** Rounds over memory so far. */
  rounds: number;
  expectedDowntimeMs: number;
  /** From the guest's stop until the destination ran it. */
  downtimeMs?: number;
  /** The parts of {@link downtimeMs}. */
  downtimeParts?: DowntimeParts;
  /** TCP connections that did not follow a guest that has moved. */
  cut?: readonly Blocker[];
  /**
   * The guest runs on another host, and its TCP connections continue. Their other ends stay here until they
   * end, and for ten minutes at most. The page or program that sent the guest has to stay open until then.
   */
  isRelayed?: boolean;
  /** Since the call. */
  totalMs: number;
  /** Share of the time that the guest stands still, for auto-converge: 0 to 99. */
  throttlePercent: number;
  error?: { code: HoldfastErrorCode; message: string };
}

export const noMigration: MigrationInfo = {
  status: 'none',
  transferredBytes: 0,
  remainingBytes: 0,
  duplicatePages: 0,
  dirtyPagesRate: 0,
  bandwidth: 0,
  rounds: 0,
  expectedDowntimeMs: 0,
  totalMs: 0,
  throttlePercent: 0,
};

export interface MigrateReport extends MigrationInfo {
  machineId: string;
  /** Downtime of the guest, as the source measured it. */
  downtimeMs: number;
}

export interface MigrateIncomingRequest {
  /**
   * The runtimes of the caller's build, newest first. The guest runs in the one with its version of
   * v86, or else in the newest. No runtime that only the source names is imported.
   */
  runtimes: readonly RuntimeSource[];
  /** Replaces a present machine once the guest runs. */
  replace?: boolean;
}

export interface MigrateIncomingReport {
  machineId: string;
  runtimeId: string;
  v86Version: string;
  /** From the call to the running guest. */
  durationMs: number;
}

/** Last message of an end of a channel: nothing more arrives. */
export interface ChannelEnd {
  /** Why, for people; empty if it is no failure. */
  closed: string;
}

/** A guest of another host that is about to arrive. The keeper asks its page to check it. */
export interface OfferedGuest {
  machineId: string;
  title: string;
  v86Version: string;
  /** As in a state file. Nothing of it was checked. */
  config: Record<string, unknown>;
}

/** The part of an {@link OfferedGuest} that is taken. */
export interface CheckedGuest {
  /** Without the contents in {@link carried}. */
  config: MachineConfig;
  carried: Map<ImageName, CarriedContents>;
}

/** Questions of a keeper to the page that lets a guest in, one at a time. */
export type LetInQuestion =
  | { offered: OfferedGuest }
  /** Memory that the guest's disks and files would take. */
  | { sizeBytes: number };

export type LetInAnswer = { guest: CheckedGuest } | { isAllowed: boolean } | { error: unknown };
