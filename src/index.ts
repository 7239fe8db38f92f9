/** Holdfast: x86 guests that outlive the page and the emulator that runs them. */
export { CprError, type CprErrorCode, type CprErrorOptions, type RestartPhase } from './errors.ts';
export type { ExecuteOptions, ExecuteResult } from './machine/agent.ts';
export { collectBlob } from './machine/collect-blob.ts';
export { connect } from './machine/connect.ts';
export type { ConsoleReadOptions, GuestConsole, WaitForOptions } from './machine/console-types.ts';
export type { FramesOptions } from './machine/frames.ts';
export type { ConnectTcpOptions, GuestSocket } from './machine/guest-socket.ts';
export type { IterableStream } from './machine/iterable-stream.ts';
export { defaultMachineId, isMachineId } from './machine/machine-id.ts';
export type { SoundChunk } from './machine/sound.ts';
export { missingFeatures } from './machine/support.ts';
export type {
  ConnectOptions,
  Machine,
  MachineEventOf,
  MachineShelf,
  OpenStateOptions,
  StartOptions,
  WatchListener,
} from './machine/types.ts';
export type { SendKeyOptions, TypeOptions } from './machine/typist.ts';
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
  RuntimeSource,
} from './protocol/keeper-api.ts';
export { type KeyboardLayout, keyboardLayouts } from './protocol/keyboard-layouts.ts';
export type { GuestConnection, NetworkCounters, NetworkInfo } from './protocol/network.ts';
export type { CpuRegisters } from './protocol/registers.ts';
export type { ShareEntry } from './protocol/share.ts';
export type { RestoreReport, SnapshotInfo } from './protocol/snapshot.ts';
export type { ExportReport, ImportReport, StateIdentity } from './protocol/state-transfer.ts';
export type {
  Arrival,
  CheckpointInfo,
  Durability,
  ExportedFile,
  ExportRequest,
  NeededFile,
  ResumeReport,
  ResumeRequest,
  SetDurableOptions,
  StorageUsage,
  StoredMachineInfo,
  StoredStateInfo,
} from './protocol/stored.ts';
export { StateFile } from './share/state-file.ts';
export type {
  ExportProgress,
  ExportStateOptions,
  ReadStateOptions,
  StateFileInfo,
  StateProgress,
  StateSource,
  StateUrl,
} from './share/types.ts';
