/** What the monitor needs of a machine. `Machine` of src/machine satisfies it. */
import type { Blocker, CprMode, CprSource, CprTarget } from '../protocol/cpr.ts';
import type { MachineStatus, ScreenContents } from '../protocol/events.ts';
import type { KeeperInfo, RestartReport, RuntimeSource } from '../protocol/keeper-api.ts';
import type { NetworkInfo } from '../protocol/network.ts';
import type { CpuRegisters } from '../protocol/registers.ts';

/** A RAM block, as far as the machine describes it. */
export interface MonitorRamBlock {
  name: string;
  sizeBytes: number;
  /** Where its region begins in the keeper's memory. */
  address?: number;
  guestAddress?: number;
  partOf?: string;
  digest?: string;
  /** The guest runs: the digest is of no single moment. */
  moving?: boolean;
}

export interface MonitorMachine {
  readonly keeper: KeeperInfo;
  readonly status: MachineStatus | null;
  pause(): Promise<void>;
  resume(): Promise<void>;
  reset(): Promise<void>;
  restart(options: { runtime: RuntimeSource }): Promise<RestartReport>;
  scancodes(codes: readonly number[]): Promise<void>;
  readMemory(address: number, length: number): Promise<Uint8Array>;
  ramBlocks(options?: { digests?: boolean }): Promise<MonitorRamBlock[]>;
  infoRegisters(): Promise<CpuRegisters>;
  screen(): Promise<ScreenContents>;
  systemPowerdown(): Promise<void>;
  infoNetwork(): Promise<NetworkInfo>;

  // Of CPR, disks and networks; absent in a machine whose keeper or runtime is too old for them.
  suspend?(): Promise<void>;
  wakeup?(): Promise<void>;
  cprSave?(
    target: CprTarget,
    options: { mode: CprMode; runtime?: RuntimeSource },
  ): Promise<{ bytes?: Uint8Array; vmstateBytes: number }>;
  cprLoad?(source: CprSource): Promise<{ runstate: string; v86Version: string; fellBack?: string }>;
  cprCancel?(): Promise<void>;
  cprBlockers?(mode: CprMode): Promise<Blocker[]>;
}
