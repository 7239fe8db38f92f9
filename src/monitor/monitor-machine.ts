/** Interface of a machine for the monitor. `Machine` of src/client implements it. */
import type { BlockInfo } from '../protocol/block-info.ts';
import type { DriveSource, RemovableDriveName } from '../protocol/config.ts';
import type { Blocker, CprMode, CprSource, CprTarget } from '../protocol/cpr.ts';
import type { MachineStatus, ScreenContents } from '../protocol/events.ts';
import type {
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  KeeperInfo,
  RamBlockInfo,
  RestartReport,
} from '../protocol/keeper-api.ts';
import type {
  MigrateIncomingReport,
  MigrateOptions,
  MigrateReport,
  MigrationInfo,
} from '../protocol/migration.ts';
import type { NetworkInfo } from '../protocol/network.ts';
import type { CpuRegisters } from '../protocol/registers.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';

/** Where a guest comes from: the other end of a channel, or another tab. */
export type MigrationOrigin = MessagePort | BroadcastChannel;

/** The machine of another keeper, or a way to it. `Machine.migrate` takes all of them. */
export type MigrationTarget =
  | MigrationOrigin
  | { migrateIncoming(port: MessagePort): Promise<MigrateIncomingReport> };

export interface MonitorMachine {
  readonly keeper: KeeperInfo;
  readonly status: MachineStatus | null;
  pause(): Promise<void>;
  resume(): Promise<void>;
  reset(): Promise<void>;
  restart(options: { runtime: RuntimeSource }): Promise<RestartReport>;
  scancodes(codes: readonly number[]): Promise<void>;
  /**
   * Types in the layout of the machine's option `keyboardLayout`. @throws HoldfastError
   * `bad-command`
   */
  type(text: string): Promise<void>;
  readMemory(address: number, length: number): Promise<Uint8Array>;
  ramBlocks(options?: { digests?: boolean }): Promise<RamBlockInfo[]>;
  infoRegisters(): Promise<CpuRegisters>;
  screen(): Promise<ScreenContents>;
  systemPowerdown(): Promise<void>;
  infoNetwork(): Promise<NetworkInfo>;
  infoBlock(): Promise<BlockInfo[]>;
  changeMedia(device: RemovableDriveName, source: DriveSource): Promise<void>;
  ejectMedia(device: RemovableDriveName): Promise<void>;

  /** States in storage, for completion. Missing if the machine has no storage. */
  readonly storage?: { states(): Promise<{ name: string }[]> };
  suspend(): Promise<void>;
  wakeup(): Promise<void>;
  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport>;
  cprLoad(source: CprSource): Promise<CprLoadReport>;
  cprCancel(): Promise<void>;
  cprBlockers(mode: CprMode): Promise<Blocker[]>;
  migrate(target: MigrationTarget, options?: MigrateOptions): Promise<MigrateReport>;
  migrateIncoming(
    from: MigrationOrigin,
    options?: { replace?: boolean },
  ): Promise<MigrateIncomingReport>;
  /** @returns null if the site serves the keeper that runs */
  upgradeKeeper(options?: {
    override?: boolean;
  }): Promise<{ to: { name: string }; downtimeMs?: number } | null>;
  migrateCancel(): Promise<void>;
  migrateContinue(): Promise<void>;
  migrateSetParameters(parameters: MigrateOptions): Promise<void>;
  migrationInfo(): Promise<MigrationInfo>;
}
