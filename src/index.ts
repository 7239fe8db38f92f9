/** Holdfast: x86 guests that outlive the page and the emulator that runs them. */

export type { ExecuteOptions, ExecuteResult } from './client/agent.ts';
export { collectBlob } from './client/collect-blob.ts';
export { connect } from './client/connect.ts';
export type {
  ConsoleChunk,
  ConsoleReadOptions,
  GuestConsole,
  WaitForOptions,
} from './client/console-types.ts';
export type { FramesOptions } from './client/frames.ts';
export type { ConnectTcpOptions, GuestSocket } from './client/guest-socket.ts';
export type { HostSocket } from './client/hosts/host-socket.ts';
export type { MessageSocket } from './client/hosts/socket-transport.ts';
export type { ByteStream } from './client/hosts/stream-transport.ts';
export type { IterableStream } from './client/iterable-stream.ts';
export type { MachineEventOf } from './client/machine-core.ts';
export { defaultMachineId, isMachineId } from './client/machine-id.ts';
export type {
  MigrateCallOptions,
  MigrateIncomingOptions,
  MigrationTarget,
} from './client/moves.ts';
export {
  type OfferedMachine,
  type ReceiveOptions,
  type ReceiveReport,
  receiveMachine,
} from './client/send/receive-machine.ts';
export {
  type SendAnswer,
  type Sending,
  type SendOptions,
  type SendProgress,
  type SendReport,
  sendMachine,
} from './client/send/send-machine.ts';
export type { SoundChunk } from './client/sound.ts';
export { missingFeatures } from './client/support.ts';
export type {
  ConnectOptions,
  Machine,
  MachineStorage,
  OpenStateOptions,
  StartOptions,
  WatchListener,
} from './client/types.ts';
export type { SendKeyOptions, TypeOptions } from './client/typist.ts';
export type { UpgradeOptions, UpgradeReport } from './client/upgrade-keeper.ts';
export {
  HoldfastError,
  type HoldfastErrorCode,
  type HoldfastErrorOptions,
  type RestartPhase,
} from './errors.ts';
export {
  type Completion,
  createMonitor,
  type Monitor,
  type MonitorFiles,
  type MonitorMachine,
  type MonitorOptions,
  type MonitorResult,
  type WrittenFile,
} from './monitor/index.ts';
export { keyNames } from './pc/keys.ts';
export type { Picture } from './pc/picture.ts';
export type { BlockInfo } from './protocol/block-info.ts';
export {
  type BytesSource,
  type DriveName,
  type DriveSource,
  defaultConfig,
  type ImageSource,
  type MachineConfig,
  type NetworkBackend,
  type RemovableDriveName,
  type StateReference,
  type UrlSource,
} from './protocol/config.ts';
export type {
  Blocker,
  BlockerCode,
  CprMode,
  CprSource,
  CprTarget,
  DiskIdentity,
  SavedRunstate,
} from './protocol/cpr.ts';
export {
  cellFlag,
  type MachineEvent,
  type MachineStatus,
  type RestartTimings,
  type Runstate,
  type ScreenContents,
  type TextCursor,
  type TextFont,
  type TextScreen,
} from './protocol/events.ts';
export type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  KeeperInfo,
  PauseOptions,
  RamBlockInfo,
  RestartReport,
} from './protocol/keeper-api.ts';
export type { KeeperAddress } from './protocol/keeper-lookup.ts';
export { type KeyboardLayout, keyboardLayouts } from './protocol/keyboard-layout-names.ts';
export type {
  MigrateIncomingReport,
  MigrateIncomingRequest,
  MigrateOptions,
  MigrateReport,
  MigrationInfo,
  MigrationParameters,
  MigrationStatus,
} from './protocol/migration.ts';
export type { GuestConnection, NetworkCounters, NetworkInfo } from './protocol/network.ts';
export type { NinepEntry } from './protocol/ninep.ts';
export type { CpuRegisters } from './protocol/registers.ts';
export type { RuntimeSource } from './protocol/runtime-source.ts';
export type { RestoreReport, SnapshotInfo } from './protocol/snapshot.ts';
export type { ExportReport, ImportReport, StateIdentity } from './protocol/state-transfer.ts';
export type {
  CheckpointInfo,
  Durability,
  ExportedFile,
  ExportRequest,
  NeededFile,
  ResumeReport,
  ResumeRequest,
  SetDurableOptions,
  StartSource,
  StorageUsage,
  StoredMachineInfo,
  StoredStateInfo,
} from './protocol/stored.ts';
export { StateFile } from './state-file/state-file.ts';
export type {
  ExportProgress,
  ExportStateOptions,
  ReadStateOptions,
  StateFileInfo,
  StateProgress,
  StateSource,
  StateUrl,
} from './state-file/types.ts';
