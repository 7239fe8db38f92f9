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

/** The machine of another keeper, or a port to it. `Machine.migrate` takes both. */
export type MigrationTarget =
  | MessagePort
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
  migrateCancel(): Promise<void>;
  migrateContinue(): Promise<void>;
  migrateSetParameters(parameters: MigrateOptions): Promise<void>;
  migrationInfo(): Promise<MigrationInfo>;
}
