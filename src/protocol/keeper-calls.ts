/**
 * The calls that a page makes to the keeper: the one list of them. The wire, the page's connection and
 * the keeper's dispatch are derived from it. Additive only: pages of any age make these calls.
 *
 * A new call is declared in one of the interfaces, and gets a row in {@link callFacts}. A call `by` the
 * machine is done by `MachineOperations`, any other by `Keeper`. A call of {@link PublicCalls} is then a
 * method of the public `Machine` without more code.
 */
import type { Blocker, CprMode, CprSource, CprTarget } from './cpr.ts';
import type { TakenEvents } from './event-bytes.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  KeeperInfo,
  PauseOptions,
  RamBlockInfo,
  RestartReport,
  StartRequest,
} from './keeper-api.ts';
import type {
  MigrateIncomingReport,
  MigrateIncomingRequest,
  MigrateOptions,
  MigrateReport,
  MigrationInfo,
} from './migration.ts';
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

/** Calls that the public `Machine` has as they are: same name, same arguments, same answer. */
export interface PublicCalls {
  pause(options?: PauseOptions): Promise<void>;
  /** A machine that was suspended when it was paused is suspended again. */
  resume(): Promise<void>;
  /** The guest stops executing until input, network traffic or {@link wakeup} wakes it. */
  suspend(): Promise<void>;
  /** Rejects with `bad-runstate` unless the machine is suspended. */
  wakeup(): Promise<void>;
  destroy(): Promise<void>;
  /** The parts of the guest's memory; with `digests` the guest should be paused. */
  ramBlocks(options?: { digests?: boolean }): Promise<RamBlockInfo[]>;
  /** Why `cprSave` in this mode would be refused now; empty when it would not. */
  cprBlockers(mode: CprMode): Promise<Blocker[]>;
  /** After a `cprSave` in mode `restart`: the guest resumes in the runtime it had. */
  cprCancel(): Promise<void>;
  /**
   * A snapshot of all of the guest in the keeper's memory: RAM, devices, what it wrote to disks and
   * share, consoles. It lasts as long as the machine, and any page of it may restore it.
   */
  snapshot(): Promise<SnapshotInfo>;
  /** The snapshots of this machine, oldest first. */
  snapshots(): Promise<SnapshotInfo[]>;
  /** A checkpoint now; others are taken by themselves. */
  checkpoint(): Promise<CheckpointInfo>;
  /**
   * Whether checkpoints are taken by themselves. They are until this says otherwise.
   * @throws HoldfastError `busy` while the machine is exported
   */
  setDurable(on: boolean, options?: SetDurableOptions): Promise<void>;
  /** Gives the migration up; the guest runs on here. Rejects with `bad-runstate` once it is too late. */
  migrateCancel(): Promise<void>;
  /** Ends the wait of `pauseBeforeSwitchover`. */
  migrateContinue(): Promise<void>;
  /** The present or last migration. */
  migrationInfo(): Promise<MigrationInfo>;
  /** Changes parameters, of a migration under way too. They stay for later ones. */
  migrateSetParameters(parameters: MigrateOptions): Promise<void>;
}

/** Calls that the page's own code makes, with other arguments or for itself. */
interface PageCalls {
  info(): KeeperInfo;
  ping(): number;
  /**
   * Subscribes to the machine's events, which are posted to `port` as {@link MachineEvent}.
   * @param pageLock name of a Web Lock that the page holds as long as it lives. Empty without Web Locks:
   * such a page announces its end by any message on its port.
   * @param pageId name of the page in {@link visibility}
   * @param has end of the output that the page has of each console: it followed its guest here
   */
  attach(
    port: MessagePort,
    pageLock: string,
    pageId?: string,
    has?: Readonly<Record<string, number>>,
  ): Promise<KeeperInfo>;
  start(request: StartRequest): Promise<void>;
  /** Live update: the other runtime takes the guest over in place. */
  restart(runtime: RuntimeSource): Promise<RestartReport>;
  /** A {@link RuntimeCommands} member by name. */
  command(name: string, args: unknown[]): unknown;
  /** Whether the page of this id can be seen. Default: visible. */
  visibility(pageId: string, visible: boolean): void;
  /**
   * The page of this id takes `frames` more frames of sound, as `audio` events, up to a second in all.
   * Other frames are dropped. 0: it takes no more.
   */
  listen(pageId: string, frames: number): void;
  /**
   * A page shows the console as a terminal of this size. A guest with an agent gets the size at once, and
   * again after each start. The most recent call wins.
   */
  terminalSize(console: string, cols: number, rows: number): void;
  /**
   * The page of this id has shown the events that it received, and has room for more. After its first call it is
   * sent no more than that. It then misses pictures, and console output that is dropped meanwhile. A page that
   * never calls this is sent everything.
   */
  took(pageId: string, taken: TakenEvents): void;
  /**
   * Stops the guest and writes its device state. `restart`: the machine is then in `inmigrate`, in
   * the hands of the other runtime, RAM untouched, until {@link cprLoad} or {@link PublicCalls.cprCancel}.
   * `reboot`: everything else is in storage, and the machine is ended. When it fails the machine is
   * in the runstate it had.
   */
  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport>;
  /**
   * Loads what {@link cprSave} wrote and resumes as it was: running, paused or suspended. When it
   * fails the machine is in `inmigrate` as before.
   */
  cprLoad(source: CprSource, options?: CprLoadOptions): Promise<CprLoadReport>;
  /**
   * Restores the guest to the snapshot, in the present runtime.
   * @throws HoldfastError `not-found`
   */
  restore(id: string): Promise<RestoreReport>;
  dropSnapshot(id: string): Promise<void>;
  /**
   * Sends a consistent cut of the guest to `port` as {@link ExportItem}s of a `PortSender`, while it
   * runs. Resolves when all of it was taken.
   */
  exportState(port: MessagePort): Promise<ExportReport>;
  /**
   * Makes a machine of the {@link ImportItem}s that a `PortSender` sends to `port`. One that is
   * there runs until the new one does, and whenever this fails.
   */
  openState(request: ImportRequest, port: MessagePort): Promise<ImportReport>;
  /**
   * Moves the running guest to the keeper at the other end of `target`, which {@link
   * migrateIncoming} was called on. Resolves once it runs there; the machine here is then ended.
   * @param siteUrl set for another host: URLs under it become relative to any site's
   * @param relay set for another host: a {@link RelayMessage} for each frame of connections that stay here
   * @throws HoldfastError `migration-refused`, `migration-failed`, `cancelled`: the guest runs on here
   */
  migrate(
    target: MessagePort,
    options?: MigrateOptions,
    siteUrl?: string,
    relay?: MessagePort,
  ): Promise<MigrateReport>;
  /**
   * Takes the guest that {@link migrate} sends to the other end of `port`. Resolves once
   * it runs here. A failure leaves nothing of it, and a present machine untouched.
   */
  migrateIncoming(
    request: MigrateIncomingRequest,
    port: MessagePort,
    relay?: MessagePort,
  ): Promise<MigrateIncomingReport>;
  /**
   * As {@link migrateIncoming}, from another host, which is not believed.
   * @param ask the keeper posts a {@link LetInQuestion}, and is answered with a {@link LetInAnswer}
   */
  migrateForeign(
    request: MigrateIncomingRequest,
    port: MessagePort,
    ask: MessagePort,
    relay?: MessagePort,
  ): Promise<MigrateIncomingReport>;
  /**
   * Resumes a machine from its newest checkpoint that is whole.
   * @throws HoldfastError `not-found`, `storage-damaged`, or `taken-over` when it runs elsewhere
   */
  resumeStored(request: ResumeRequest): Promise<ResumeReport>;
  /**
   * A page that takes its worker with it waits, blocked, until the first word of `flag` is
   * {@link flushed}. The keeper takes a last checkpoint at once.
   * @param flag an Int32 in shared memory
   */
  flush(flag: SharedArrayBuffer): void;
}

/**
 * Calls for the machines in storage, which the public storage has as they are. Every call but `list`
 * rejects with `storage-unavailable` where there is none.
 */
export interface StorageCalls {
  list(): Promise<StoredMachineInfo[]>;
  usage(): Promise<StorageUsage>;
  rename(id: string, name: string): Promise<void>;
  /** Resolves with the copy's id. */
  duplicate(id: string, name: string): Promise<string>;
  /** Rejects with `busy` for a machine that runs. */
  remove(id: string): Promise<void>;
  /** The named states that `cprSave` wrote. */
  states(): Promise<StoredStateInfo[]>;
  /** That it is not there is no error. */
  removeState(name: string): Promise<void>;
  /**
   * A file of what is stored, without resuming the machine; of one that runs, its newest checkpoint.
   * Rejects with `not-found`, `storage-damaged`, or `image-unavailable` for a disk's base.
   */
  export(id: string, request: ExportRequest): Promise<ExportedFile>;
}

/** Calls of the keeper for machines in storage. */
export interface KeeperStorage extends StorageCalls {
  /**
   * Sends the newest checkpoint of a stored machine to the worker that writes a state file.
   * @throws HoldfastError `not-found`, `storage-damaged`
   */
  exportState(id: string, port: MessagePort): Promise<ExportReport>;
}

type MachineApi = PublicCalls & PageCalls;

/** All that a keeper answers. */
export interface KeeperApi extends PublicCalls, PageCalls {
  readonly storage: KeeperStorage;
}

/** Facts of a call beside its type. */
interface CallFacts {
  /** The object that answers: the keeper itself, or the machine in it. */
  by: 'keeper' | 'machine';
  /** The machine's status is another afterwards. */
  changesStatus?: true;
  /** A call of the first release, whose keepers do not list what they answer. */
  isFirst?: true;
}

const callFacts = {
  info: { by: 'keeper', isFirst: true },
  ping: { by: 'keeper', isFirst: true },
  attach: { by: 'keeper', isFirst: true },
  start: { by: 'keeper', isFirst: true, changesStatus: true },
  restart: { by: 'machine', isFirst: true, changesStatus: true },
  pause: { by: 'machine', isFirst: true, changesStatus: true, isPublic: true },
  resume: { by: 'machine', isFirst: true, changesStatus: true, isPublic: true },
  destroy: { by: 'keeper', isFirst: true, changesStatus: true, isPublic: true },
  ramBlocks: { by: 'machine', isFirst: true, isPublic: true },
  command: { by: 'keeper', isFirst: true },
  suspend: { by: 'machine', changesStatus: true, isPublic: true },
  wakeup: { by: 'machine', changesStatus: true, isPublic: true },
  visibility: { by: 'keeper' },
  listen: { by: 'keeper' },
  terminalSize: { by: 'keeper' },
  took: { by: 'keeper' },
  cprBlockers: { by: 'machine', isPublic: true },
  cprSave: { by: 'keeper', changesStatus: true },
  cprLoad: { by: 'keeper', changesStatus: true },
  cprCancel: { by: 'machine', changesStatus: true, isPublic: true },
  resumeStored: { by: 'keeper', changesStatus: true },
  checkpoint: { by: 'machine', isPublic: true },
  setDurable: { by: 'keeper', changesStatus: true, isPublic: true },
  flush: { by: 'keeper' },
  snapshot: { by: 'machine', isPublic: true },
  restore: { by: 'machine', changesStatus: true },
  dropSnapshot: { by: 'machine' },
  snapshots: { by: 'machine', isPublic: true },
  exportState: { by: 'machine' },
  openState: { by: 'keeper', changesStatus: true },
  migrate: { by: 'keeper', changesStatus: true },
  migrateCancel: { by: 'machine', isPublic: true },
  migrateContinue: { by: 'machine', isPublic: true },
  migrationInfo: { by: 'machine', isPublic: true },
  migrateSetParameters: { by: 'machine', isPublic: true },
  migrateIncoming: { by: 'keeper', changesStatus: true },
  migrateForeign: { by: 'keeper', changesStatus: true },
} as const satisfies Record<keyof PublicCalls, CallFacts & { isPublic: true }> &
  Record<keyof PageCalls, CallFacts & { isPublic?: never }>;

const storageFacts: Record<keyof KeeperStorage, { isPublic: boolean }> = {
  list: { isPublic: true },
  usage: { isPublic: true },
  rename: { isPublic: true },
  duplicate: { isPublic: true },
  remove: { isPublic: true },
  states: { isPublic: true },
  removeState: { isPublic: true },
  export: { isPublic: true },
  exportState: { isPublic: false },
};

/** A call by its name on the wire. */
export type CallName = keyof MachineApi | `storage.${keyof KeeperStorage}`;

/**
 * Names that calls had in earlier releases. Pages of those releases use them, and their keepers answer
 * nothing else: a keeper answers both, and a page uses the one that the keeper knows.
 */
export const formerNames: { readonly [K in CallName]?: string } = {
  snapshot: 'takeSnapshot',
  restore: 'restoreSnapshot',
  exportState: 'exportGuest',
  openState: 'importGuest',
  resumeStored: 'resumeMachine',
  'storage.list': 'storedMachines',
  'storage.usage': 'storageUsage',
  'storage.rename': 'renameMachine',
  'storage.duplicate': 'duplicateMachine',
  'storage.remove': 'removeMachine',
  'storage.states': 'storedStates',
  'storage.removeState': 'removeState',
  'storage.export': 'exportMachine',
  'storage.exportState': 'exportStored',
};

/** The calls `by` the machine, with their types. */
export type MachineCalls = {
  [K in keyof typeof callFacts as (typeof callFacts)[K] extends { by: 'machine' }
    ? K
    : never]: MachineApi[K];
};

const facts: Record<keyof MachineApi, CallFacts & { isPublic?: true }> = callFacts;
const direct = Object.keys(facts) as (keyof MachineApi)[];
const stored = Object.keys(storageFacts) as (keyof KeeperStorage)[];

export const machineCalls = direct.filter(
  (name) => facts[name].by === 'machine',
) as (keyof MachineCalls)[];
export const publicCalls = direct.filter((name) => facts[name].isPublic) as (keyof PublicCalls)[];
export const publicStorageCalls = stored.filter(
  (name) => storageFacts[name].isPublic,
) as (keyof StorageCalls)[];
/** Every call, by its name of today. Everything else of the keeper's object stays out of reach of pages. */
export const keeperCalls: readonly CallName[] = [
  ...direct,
  ...stored.map((name) => `storage.${name}` as const),
];
/** {@link KeeperInfo.methods}: all names that a keeper of this release answers to. */
export const answeredNames: readonly string[] = [...keeperCalls, ...Object.values(formerNames)];
/** {@link KeeperInfo.methods} of a keeper that has none. */
export const firstKeeperMethods: readonly string[] = direct.filter((name) => facts[name].isFirst);

export const changesStatus = (name: CallName): boolean =>
  name in facts && facts[name as keyof MachineApi].changesStatus === true;
