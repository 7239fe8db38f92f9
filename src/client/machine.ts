import { HoldfastError } from '../errors.ts';
import type { MachineConfig } from '../protocol/config.ts';
import type { CprSource, CprTarget } from '../protocol/cpr.ts';
import type { TakenEvents } from '../protocol/event-bytes.ts';
import type { MachineEvent, MachineStatus } from '../protocol/events.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  KeeperInfo,
  RestartReport,
} from '../protocol/keeper-api.ts';
import { type CallName, changesStatus } from '../protocol/keeper-calls.ts';
import { callsOf, type RemoteKeeper } from '../protocol/rpc.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { RestoreReport, SnapshotInfo } from '../protocol/snapshot.ts';
import type { ImportReport } from '../protocol/state-transfer.ts';
import type { ResumeReport, ResumeRequest } from '../protocol/stored.ts';
import type { StateFile } from '../state-file/state-file.ts';
import type { ExportStateOptions, StateSource } from '../state-file/types.ts';
import { readV86State } from '../state-file/v86-state.ts';
import { absoluteConfig, absoluteRuntime, absoluteRuntimes } from './absolute-urls.ts';
import { EventStream } from './event-stream.ts';
import { EventsTaken } from './events-taken.ts';
import { type IterableStream, iterable } from './iterable-stream.ts';
import type { KeeperConnection } from './keeper-connection.ts';
import type { MachineEventOf } from './machine-core.ts';
import { RemoteGuest } from './remote-guest.ts';
import { RemoteStorage } from './remote-storage.ts';
import { type SoundChunk, SoundFeed } from './sound.ts';
import { exportState, type OpeningRules, openState, type RequirePublic } from './state-files.ts';
import type { Machine, OpenStateOptions, StartOptions, WatchListener } from './types.ts';
import { type Watch, watchMachine } from './watch.ts';

/** A machine in a keeper, over a connection. Made by `connect`. */
export class RemoteMachine extends RemoteGuest implements Machine {
  readonly keeper: KeeperInfo;
  readonly #connection: KeeperConnection;
  /** The keeper's calls, each of which ends when {@link status} shows what it did. */
  readonly #calls: RemoteKeeper = callsOf((name, args) => this.#call(name, args));
  readonly #leave: () => void;
  readonly #events: EventStream;
  /** Dispatches an event for each restore; its type is the snapshot's id. */
  readonly #restored = new EventTarget();
  readonly storage: RemoteStorage;
  readonly #sound: SoundFeed;
  #status: MachineStatus | null;
  #watch: Watch | null = null;
  readonly #runtimes: readonly RuntimeSource[] | undefined;
  readonly #requirePublic: RequirePublic | undefined;

  /**
   * @param events port that they arrive at, and this page's id
   * @param leave called once, by {@link close}: notifies the keeper that this page is gone
   * @param options of the program that attaches
   */
  constructor(
    keeper: KeeperInfo,
    connection: KeeperConnection,
    events: { pageId: string; port: MessagePort },
    leave: () => void,
    { runtimes, requirePublic }: OpeningRules = {},
  ) {
    super();
    this.keeper = keeper;
    this.#connection = connection;
    this.storage = new RemoteStorage(this.#calls);
    this.#sound = new SoundFeed(this, (frames) => connection.keeper.listen(events.pageId, frames));
    this.#leave = leave;
    this.#runtimes = runtimes;
    this.#requirePublic = requirePublic;
    const report = (taken: TakenEvents) => {
      if (this.#watch) this.#watch.took(taken);
      // A keeper of an earlier release sends everything.
      else connection.keeper.took(events.pageId, taken).catch(() => {});
    };
    const taken = new EventsTaken(report);
    this.#events = new EventStream(this.log, (event) => taken.add(event));
    report({});
    this.#status = keeper.machine && readStatus(keeper.machine);
    events.port.onmessage = ({ data }: MessageEvent<MachineEvent>) => {
      // The keeper has started a machine itself.
      if (data.type === 'status') this.unwatch();
      this.#push(data);
    };
  }

  override answering(): RemoteKeeper {
    return this.#calls;
  }

  async #call(name: CallName, args: unknown[]): Promise<unknown> {
    const answer = await this.#connection.call(name, args);
    if (changesStatus(name)) await this.#refresh();
    return answer;
  }

  #push(event: MachineEvent): void {
    if (event.type === 'status') {
      event.status = readStatus(event.status);
      this.#adopt(event.status);
    }
    if (event.type === 'console')
      this.log.push(event.console, event.offset, event.bytes, event.again);
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
    listener: (event: MachineEventOf<T>) => unknown,
  ): () => void {
    return this.#events.on(type, listener);
  }

  sound(): IterableStream<SoundChunk> {
    return iterable(this.#sound.stream());
  }

  onLost(listener: (error: HoldfastError) => void): () => void {
    return this.#connection.onLost(listener);
  }

  async start(
    config: MachineConfig,
    runtime: RuntimeSource,
    { replace = false, incoming = false }: StartOptions = {},
  ): Promise<void> {
    await this.#calls.start({
      config: absoluteConfig(config),
      runtime: absoluteRuntime(runtime),
      replace,
      ...(incoming && { incoming }),
    });
  }

  async restart({ runtime }: { runtime: RuntimeSource }): Promise<RestartReport> {
    return this.#calls.restart(absoluteRuntime(runtime));
  }

  async terminalSize(name: string, { cols, rows }: { cols: number; rows: number }): Promise<void> {
    try {
      await this.#calls.terminalSize(name, cols, rows);
    } catch (thrown) {
      // An older keeper has no such call: its guest keeps its terminal size.
      if (HoldfastError.from(thrown, 'internal', '').code !== 'keeper-incompatible') throw thrown;
    }
  }

  async cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport> {
    const { mode, runtime } = options;
    return this.#calls.cprSave(target, {
      mode,
      ...(runtime && { runtime: absoluteRuntime(runtime) }),
    });
  }

  async cprLoad(
    source: CprSource,
    { runtime, runtimes = this.#runtimes, replace = false }: CprLoadOptions = {},
  ): Promise<CprLoadReport> {
    const options = {
      ...(runtimes && { runtimes: absoluteRuntimes(runtimes) }),
      ...(runtime && { runtime: absoluteRuntime(runtime) }),
      ...(replace && { replace }),
    };
    return this.#calls.cprLoad(source, options);
  }

  async reset(): Promise<void> {
    await this.command('reset');
    await this.#refresh();
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

  async resumeStored(
    id: string,
    { runtime, takeOver = false, replace = false, files }: Omit<ResumeRequest, 'id'>,
  ): Promise<ResumeReport> {
    const request = {
      id,
      runtime: absoluteRuntime(runtime),
      ...(takeOver && { takeOver }),
      ...(replace && { replace }),
      ...(files && { files }),
    };
    return this.#calls.resumeStored(request);
  }

  async restore({ id }: Pick<SnapshotInfo, 'id'>): Promise<RestoreReport> {
    // Replies and events travel separately: this waits until the log has the output from before the
    // restore.
    const told = new Promise((resolve) => {
      this.#restored.addEventListener(id, resolve, { once: true });
    });
    const report = await this.#calls.restore(id);
    await told;
    return report;
  }

  async openV86State(
    state: Blob | Uint8Array,
    config: MachineConfig,
    runtime: RuntimeSource,
    { replace = false }: Pick<StartOptions, 'replace'> = {},
  ): Promise<void> {
    await this.#calls.start({
      config: absoluteConfig(config),
      runtime: absoluteRuntime(runtime),
      replace,
      v86State: await readV86State(state),
    });
  }

  exportState(options: ExportStateOptions = {}): IterableStream<Uint8Array> {
    return iterable(exportState((port) => this.#calls.exportState(port), options));
  }

  async openState(
    source: StateSource | StateFile,
    options: OpenStateOptions,
  ): Promise<ImportReport> {
    const runtime = absoluteRuntime(options.runtime);
    const given = { ...options, runtime };
    return openState(this.#calls, source, given, this.#requirePublic);
  }

  dropSnapshot({ id }: Pick<SnapshotInfo, 'id'>): Promise<void> {
    return this.#calls.dropSnapshot(id);
  }

  /** Replies and events travel separately: after a call the status must show its effect. */
  async #refresh(): Promise<void> {
    const { machine } = await this.#connection.keeper.info();
    if (machine) this.#adopt(machine);
    else if (this.#status) this.#status = { ...this.#status, runstate: 'shutdown', mips: 0 };
  }

  #adopt(status: MachineStatus): void {
    if ((status.revision ?? 0) >= (this.#status?.revision ?? 0)) this.#status = status;
  }
}

/** Keepers of the first release send `arrival`. */
function readStatus({ arrival, ...status }: MachineStatus): MachineStatus {
  const startSource = status.startSource ?? arrival;
  return startSource ? { ...status, startSource } : status;
}
