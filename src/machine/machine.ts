import type { CprError } from '../errors.ts';
import { CellGrid } from '../pc/cell-grid.ts';
import { type Picture, pictureOf } from '../pc/picture.ts';
import { encodePng } from '../pc/png.ts';
import type { RuntimeCommands } from '../protocol/abi.ts';
import type { BlockInfo } from '../protocol/block-info.ts';
import {
  type DriveName,
  type DriveSource,
  type ImageSource,
  imageKeys,
  type MachineConfig,
  type RemovableDriveName,
} from '../protocol/config.ts';
import type { Blocker, CprMode, CprSource, CprTarget } from '../protocol/cpr.ts';
import type { MachineEvent, MachineStatus, ScreenContents } from '../protocol/events.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  KeeperInfo,
  RamBlockInfo,
  RestartReport,
  RuntimeSource,
} from '../protocol/keeper-api.ts';
import type { NetworkInfo } from '../protocol/network.ts';
import type { CpuRegisters } from '../protocol/registers.ts';
import type { ShareEntry } from '../protocol/share.ts';
import type { RestoreReport, SnapshotInfo } from '../protocol/snapshot.ts';
import type { ImportReport } from '../protocol/state-transfer.ts';
import type { CheckpointInfo, ResumeReport } from '../protocol/stored.ts';
import type { StateFile } from '../share/state-file.ts';
import type { ExportStateOptions, StateSource } from '../share/types.ts';
import { readV86State } from '../share/v86-state.ts';
import { type ExecuteOptions, type ExecuteResult, GuestAgent } from './agent.ts';
import type { Connection } from './connection.ts';
import { ConsoleLog } from './console-log.ts';
import type { GuestConsole } from './console-types.ts';
import { diskImage } from './disk-export.ts';
import { EventStream } from './event-stream.ts';
import { type FramesOptions, frames } from './frames.ts';
import { RemoteConsole } from './guest-console.ts';
import { RemoteShelf } from './remote-shelf.ts';
import { exportState, openState } from './state-files.ts';
import type {
  Machine,
  MachineEventOf,
  OpenStateOptions,
  StartOptions,
  WatchListener,
} from './types.ts';
import { type SendKeyOptions, type TypeOptions, Typist } from './typist.ts';
import { type Watch, watchMachine } from './watch.ts';

/** A machine in a keeper, over a connection. Made by `connect`. */
export class RemoteMachine implements Machine {
  readonly keeper: KeeperInfo;
  readonly #connection: Connection;
  readonly #leave: () => void;
  readonly #events = new EventStream();
  readonly #agent = new GuestAgent(this);
  readonly #log = new ConsoleLog();
  readonly #typist = new Typist((codes) => this.scancodes(codes));
  /** Hears of each restore, as an event with the snapshot's id. */
  readonly #restored = new EventTarget();
  readonly shelf: RemoteShelf;
  #status: MachineStatus | null;
  #watch: Watch | null = null;

  /** @param leave called once, by {@link close}: lets the keeper know that this page is gone */
  constructor(keeper: KeeperInfo, connection: Connection, events: MessagePort, leave: () => void) {
    this.keeper = keeper;
    this.#connection = connection;
    this.shelf = new RemoteShelf(connection.keeper);
    this.#leave = leave;
    this.#status = keeper.machine;
    events.onmessage = ({ data }: MessageEvent<MachineEvent>) => {
      // A machine of the keeper's own has come.
      if (data.type === 'status') this.unwatch();
      this.#push(data);
    };
  }

  #push(event: MachineEvent): void {
    if (event.type === 'status') this.#adopt(event.status);
    if (event.type === 'console') this.#log.push(event.console, event.offset, event.bytes);
    if (event.type === 'snapshot-restored') this.#restored.dispatchEvent(new Event(event.id));
    this.#events.push(event);
  }

  get survivesReload(): boolean {
    return this.keeper.survivesPages;
  }

  get status(): MachineStatus | null {
    return this.#status;
  }

  on<T extends MachineEvent['type']>(
    type: T,
    listener: (event: MachineEventOf<T>) => void,
  ): () => void {
    return this.#events.on(type, listener);
  }

  onLost(listener: (error: CprError) => void): () => void {
    return this.#connection.onLost(listener);
  }

  async start(
    config: MachineConfig,
    runtime: RuntimeSource,
    { replace = false, incoming = false }: StartOptions = {},
  ): Promise<void> {
    await this.#connection.keeper.start({
      config: { ...config, ...absoluteImages(config) },
      runtime: absolute(runtime),
      replace,
      ...(incoming && { incoming }),
    });
    await this.#refresh();
  }

  async restart({ runtime }: { runtime: RuntimeSource }): Promise<RestartReport> {
    const report = await this.#connection.keeper.restart(absolute(runtime));
    await this.#refresh();
    return report;
  }

  async pause(): Promise<void> {
    await this.#connection.keeper.pause();
    await this.#refresh();
  }

  async resume(): Promise<void> {
    await this.#connection.keeper.resume();
    await this.#refresh();
  }

  async destroy(): Promise<void> {
    await this.#connection.keeper.destroy();
    await this.#refresh();
  }

  async suspend(): Promise<void> {
    await this.#connection.keeper.suspend();
    await this.#refresh();
  }

  async wakeup(): Promise<void> {
    await this.#connection.keeper.wakeup();
    await this.#refresh();
  }

  cprBlockers(mode: CprMode): Promise<Blocker[]> {
    return this.#connection.keeper.cprBlockers(mode);
  }

  async cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport> {
    const { mode, runtime } = options;
    const report = await this.#connection.keeper.cprSave(target, {
      mode,
      ...(runtime && { runtime: absolute(runtime) }),
    });
    await this.#refresh();
    return report;
  }

  async cprLoad(
    source: CprSource,
    { runtime, replace = false }: CprLoadOptions = {},
  ): Promise<CprLoadReport> {
    const options = {
      ...(runtime && { runtime: absolute(runtime) }),
      ...(replace && { replace }),
    };
    const report = await this.#connection.keeper.cprLoad(source, options);
    await this.#refresh();
    return report;
  }

  async cprCancel(): Promise<void> {
    await this.#connection.keeper.cprCancel();
    await this.#refresh();
  }

  async reset(): Promise<void> {
    await this.#command('reset');
    await this.#refresh();
  }

  execute(code: string, options?: ExecuteOptions): Promise<ExecuteResult> {
    return this.#agent.execute(code, options);
  }

  console(name = 'serial0'): GuestConsole {
    return new RemoteConsole(name, this.#log, (data) => this.consoleInput(name, data));
  }

  sendKey(keys: string, options?: SendKeyOptions): Promise<void> {
    return this.#typist.sendKey(keys, options);
  }

  type(text: string, options?: TypeOptions): Promise<void> {
    return this.#typist.type(text, options);
  }

  async consoleInput(name: string, data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    await this.#command('consoleInput', name, bytes);
  }

  async scancodes(codes: readonly number[]): Promise<void> {
    await this.#command('scancodes', Uint8Array.from(codes));
  }

  async mouseDelta(dx: number, dy: number): Promise<void> {
    await this.#command('mouseDelta', dx, dy);
  }

  async mouseAbsolute(x: number, y: number, width: number, height: number): Promise<void> {
    await this.#command('mouseAbsolute', x, y, width, height);
  }

  async mouseButtons(left: boolean, middle: boolean, right: boolean): Promise<void> {
    await this.#command('mouseButtons', left, middle, right);
  }

  async mouseWheel(delta: number): Promise<void> {
    await this.#command('mouseWheel', delta);
  }

  async filesRead(path: string): Promise<Uint8Array> {
    return (await this.#connection.keeper.command('filesRead', [path])) as Uint8Array;
  }

  async filesWrite(path: string, bytes: Uint8Array): Promise<void> {
    await this.#connection.keeper.command('filesWrite', [path, bytes]);
  }

  async filesList(path: string): Promise<ShareEntry[]> {
    return (await this.#connection.keeper.command('filesList', [path])) as ShareEntry[];
  }

  async infoNetwork(): Promise<NetworkInfo> {
    return (await this.#connection.keeper.command('infoNetwork', [])) as NetworkInfo;
  }

  ramBlocks(options: { digests?: boolean } = {}): Promise<RamBlockInfo[]> {
    return this.#connection.keeper.ramBlocks(options);
  }

  async infoBlock(): Promise<BlockInfo[]> {
    return (await this.#command('infoBlock')) as BlockInfo[];
  }

  async changeMedia(device: RemovableDriveName, source: DriveSource): Promise<void> {
    await this.#command('changeMedia', device, absoluteSource(source));
  }

  async ejectMedia(device: RemovableDriveName): Promise<void> {
    await this.#command('ejectMedia', device);
  }

  async resetDisk(device: DriveName): Promise<void> {
    await this.#command('resetDisk', device);
  }

  async checkDisks(): Promise<void> {
    await this.#command('checkDisks');
  }

  diskImage(device: DriveName): ReadableStream<Uint8Array> {
    return diskImage(
      {
        infoBlock: () => this.infoBlock(),
        readDisk: async (...range) => (await this.#command('readDisk', ...range)) as Uint8Array,
      },
      device,
    );
  }

  async readMemory(address: number, length: number): Promise<Uint8Array> {
    return (await this.#command('readMemory', address, length)) as Uint8Array;
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    await this.#command('writeMemory', address, bytes);
  }

  async infoRegisters(): Promise<CpuRegisters> {
    return (await this.#command('infoRegisters')) as CpuRegisters;
  }

  async screen(): Promise<ScreenContents> {
    return (await this.#command('screen')) as ScreenContents;
  }

  async screenText(): Promise<string> {
    const contents = await this.screen();
    return contents.mode === 'text' ? new CellGrid(contents.screen).text() : '';
  }

  async screenshot(): Promise<Uint8Array<ArrayBuffer>> {
    return encodePng(pictureOf(await this.screen()));
  }

  frames(options?: FramesOptions): ReadableStream<Picture> {
    return frames(this, options);
  }

  async systemPowerdown(): Promise<void> {
    await this.#command('systemPowerdown');
  }

  get watching(): string | null {
    return this.#watch?.machineId ?? null;
  }

  async watch(id: string, { began, gone }: WatchListener): Promise<void> {
    this.unwatch();
    this.#watch = await watchMachine(id, {
      began: () => {
        // Each keeper counts its statuses for itself.
        this.#status = null;
        began();
      },
      event: (event) => this.#push(event),
      gone,
    });
  }

  unwatch(): void {
    if (!this.#watch) return;
    this.#watch.close();
    this.#watch = null;
    this.#status = null;
  }

  close(): void {
    this.unwatch();
    this.#connection.close();
    this.#leave();
  }

  #command<K extends KnownCommand>(
    name: K,
    ...args: Parameters<NonNullable<RuntimeCommands[K]>>
  ): Promise<unknown> {
    return this.#connection.keeper.command(name, args);
  }

  async resumeStored(
    id: string,
    { runtime, takeOver = false }: { runtime: RuntimeSource; takeOver?: boolean },
  ): Promise<ResumeReport> {
    const request = { id, runtime: absolute(runtime), ...(takeOver && { takeOver }) };
    const report = await this.#connection.keeper.resumeMachine(request);
    await this.#refresh();
    return report;
  }

  snapshot(): Promise<SnapshotInfo> {
    return this.#connection.keeper.takeSnapshot();
  }

  async restore({ id }: Pick<SnapshotInfo, 'id'>): Promise<RestoreReport> {
    // Answers and events travel apart: what the consoles said is then what they had said.
    const told = new Promise((resolve) => {
      this.#restored.addEventListener(id, resolve, { once: true });
    });
    const report = await this.#connection.keeper.restoreSnapshot(id);
    await told;
    await this.#refresh();
    return report;
  }

  exportV86State(): Promise<Uint8Array> {
    return this.#command('exportV86State') as Promise<Uint8Array>;
  }

  async openV86State(
    state: Blob | Uint8Array,
    config: MachineConfig,
    runtime: RuntimeSource,
    { replace = false }: Pick<StartOptions, 'replace'> = {},
  ): Promise<void> {
    await this.#connection.keeper.start({
      config: { ...config, ...absoluteImages(config) },
      runtime: absolute(runtime),
      replace,
      v86State: await readV86State(state),
    });
    await this.#refresh();
  }

  exportState(options: ExportStateOptions = {}): ReadableStream<Uint8Array> {
    return exportState((port) => this.#connection.keeper.exportGuest(port), options);
  }

  async openState(
    source: StateSource | StateFile,
    options: OpenStateOptions,
  ): Promise<ImportReport> {
    const runtime = absolute(options.runtime);
    const report = await openState(this.#connection.keeper, source, { ...options, runtime });
    await this.#refresh();
    return report;
  }

  dropSnapshot({ id }: Pick<SnapshotInfo, 'id'>): Promise<void> {
    return this.#connection.keeper.dropSnapshot(id);
  }

  snapshots(): Promise<SnapshotInfo[]> {
    return this.#connection.keeper.snapshots();
  }

  checkpoint(): Promise<CheckpointInfo> {
    return this.#connection.keeper.checkpoint();
  }

  async setDurable(on: boolean): Promise<void> {
    await this.#connection.keeper.setDurable(on);
    await this.#refresh();
  }

  /** Answers and events travel apart: after a call the status must show what the call did. */
  async #refresh(): Promise<void> {
    const { machine } = await this.#connection.keeper.info();
    if (machine) this.#adopt(machine);
    else if (this.#status) this.#status = { ...this.#status, runstate: 'shutdown', mips: 0 };
  }

  #adopt(status: MachineStatus): void {
    if ((status.revision ?? 0) >= (this.#status?.revision ?? 0)) this.#status = status;
  }
}

/** The commands that have names: not the index signature that lets runtimes add more. */
type KnownCommand = keyof {
  [K in keyof RuntimeCommands as string extends K ? never : K]: unknown;
} &
  keyof RuntimeCommands;

/** The keeper cannot resolve what is relative to this page. */
function absolute(runtime: RuntimeSource): RuntimeSource {
  return { ...runtime, url: resolve(runtime.url), wasmUrl: resolve(runtime.wasmUrl) };
}

function absoluteImages(config: MachineConfig): Partial<MachineConfig> {
  const sources = imageKeys.flatMap((key) => {
    const source = config[key];
    return source ? [[key, absoluteSource(source)]] : [];
  });
  return Object.fromEntries(sources);
}

function absoluteSource<T extends ImageSource | DriveSource>(source: T): T {
  return 'url' in source ? { ...source, url: resolve(source.url) } : source;
}

function resolve(url: string): string {
  return new URL(url, document.baseURI).href;
}
