import { CprError } from '../errors.ts';
import { abiVersion } from '../protocol/abi.ts';
import type { Blocker, CprMode, CprSource, CprTarget } from '../protocol/cpr.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  KeeperApi,
  KeeperInfo,
  RamBlockInfo,
  RestartReport,
  RuntimeSource,
  StartRequest,
} from '../protocol/keeper-api.ts';
import { flushed } from '../protocol/keeper-api.ts';
import { randomId } from '../protocol/random-id.ts';
import { keeperMethods } from '../protocol/rpc.ts';
import type { RestoreReport, SnapshotInfo } from '../protocol/snapshot.ts';
import type { ExportReport, ImportReport, ImportRequest } from '../protocol/state-transfer.ts';
import type {
  CheckpointInfo,
  ExportedFile,
  ExportRequest,
  ResumeReport,
  ResumeRequest,
  StorageUsage,
  StoredMachineInfo,
  StoredStateInfo,
} from '../protocol/stored.ts';
import { incomingRequest } from './cpr/incoming-request.ts';
import type { AroundStep } from './cpr/steps.ts';
import type { OpenStore } from './cpr/targets.ts';
import { EarlyResume } from './durable/early-resume.ts';
import { askForMachine, MachineClaims } from './durable/machine-lock.ts';
import { resumeStored } from './durable/resume-stored.ts';
import { StoredMachines } from './durable/stored-machines.ts';
import { type MachineEnvironment, MachineHost } from './machine-host.ts';
import { channelLink, portLink } from './page-link.ts';
import { Pages } from './pages.ts';
import { RuntimeLoader } from './runtime-loader.ts';
import { openMachine } from './transfer/open-machine.ts';
import { untilAborted } from './until-aborted.ts';

export type KeeperIdentity = Omit<KeeperInfo, 'abiVersion' | 'methods' | 'machine'>;

/** What a keeper works with; tests give it others. */
export interface KeeperOptions {
  loader?: RuntimeLoader;
  /** Absent where there is no persistent storage. */
  openStore?: OpenStore;
  /** Called around each step of cprSave and cprLoad: for tests that let one fail. */
  around?: AroundStep;
}

/** What pages talk to. A keeper has one machine: each other machine has a keeper of its own, see `ConnectOptions.machineId`. */
export class Keeper implements KeeperApi {
  readonly #identity: KeeperIdentity;
  readonly #environment: MachineEnvironment;
  readonly #pages = new Pages(() => this.#pagesChanged());
  #machine: MachineHost | undefined;
  /** Set while a machine is being built; aborting it gives that up. */
  #starting: AbortController | undefined;

  /** A resume that no page has asked for yet, under way. */
  #early: EarlyResume | undefined;

  readonly #claims = new MachineClaims({
    giveUp: (id) => void this.#giveUp(id),
    watch: (id, channel) => this.#addWatcher(id, channel),
  });
  readonly #stored: StoredMachines;

  constructor(identity: KeeperIdentity, options: KeeperOptions = {}) {
    this.#identity = identity;
    const { loader = new RuntimeLoader(), openStore, around } = options;
    this.#stored = new StoredMachines(openStore, () => this.#presentId);
    this.#environment = { pages: this.#pages, loader, openStore, around };
  }

  info(): KeeperInfo {
    const machine = this.#machine?.view.status() ?? null;
    return { ...this.#identity, abiVersion, methods: keeperMethods, machine };
  }

  ping(): number {
    return Date.now();
  }

  // Without an await from the greeting on: no event falls between it and the live ones.
  async attach(port: MessagePort, pageLock: string, pageId = ''): Promise<KeeperInfo> {
    this.#pages.add(portLink(port), pageLock, pageId, this.#machine?.view.greeting() ?? []);
    return this.info();
  }

  /** The machine that is there stays untouched until the new one runs. */
  async start(request: StartRequest): Promise<void> {
    if (this.#early) await this.#early.settled;
    if (this.#machine && !request.replace) {
      throw new CprError(
        'bad-runstate',
        'There is a machine already: destroy it first, or start with "replace".',
      );
    }
    await this.#startOne(async (signal) => {
      const { id, durable } = request.config;
      if (durable && id !== undefined) await this.#claims.hold(id);
      const machine = await MachineHost.start(request, this.#environment, signal);
      return { machine, result: undefined };
    });
  }

  async resumeMachine(request: ResumeRequest): Promise<ResumeReport> {
    const early = this.#early;
    if (!early?.isFor(request)) return this.#resume(request);
    // One that failed is tried again, now that somebody hears why.
    return early.report.catch(() => this.#resume(request));
  }

  /** A page will ask for this guest as soon as its script is there. */
  resumeEarly(request: ResumeRequest): void {
    if (this.#machine || this.#starting) return;
    const early = new EarlyResume(request, this.#resume(request));
    this.#early = early;
    void early.settled.then(() => {
      this.#early = undefined;
    });
  }

  async #resume({ id, runtime, takeOver }: ResumeRequest): Promise<ResumeReport> {
    if (this.#machine) {
      throw new CprError('bad-runstate', 'There is a machine already: destroy it first.');
    }
    const beganMs = performance.now();
    return this.#startOne(async (signal) => {
      if (takeOver) await askForMachine(id);
      await this.#claims.hold(id);
      const { machine, takenAtMs, fellBack } = await resumeStored(
        { id, runtime },
        this.#environment,
        signal,
      );
      const durationMs = performance.now() - beganMs;
      const result = { takenAtMs, durationMs, ...(fellBack !== undefined && { fellBack }) };
      return { machine, result };
    });
  }

  /** Somebody else wants to run this machine: it is saved, and ends here. */
  async #giveUp(id: string): Promise<void> {
    const machine = this.#machine;
    if (machine?.id === id) {
      await machine.durability.checkpoint({ urgent: true }).catch((thrown) => {
        console.warn('A machine that goes on elsewhere could not be saved first:', thrown);
      });
      const message = 'This machine was taken over by another tab and goes on there.';
      if (this.#machine === machine) this.#machine = undefined;
      machine.end({ reason: new CprError('taken-over', message) });
      this.#pages.endWatches();
    }
    this.#claims.keepOnly(this.#machine?.id);
  }

  /** A page of another keeper looks on. Channel and lock have one name. */
  #addWatcher(id: string, channel: string): void {
    // Until the machine is there nobody is answered: who waits is told by the announcement.
    if (this.#machine?.id !== id) return;
    const link = channelLink(channel, this.#identity.keeperLock);
    this.#pages.add(link, channel, channel, this.#machine.view.greeting());
  }

  /** What is there stays untouched until `build` has made the machine that takes its place. */
  async #startOne<T>(
    build: (signal: AbortSignal) => Promise<{ machine: MachineHost; result: T }>,
  ): Promise<T> {
    if (this.#starting) {
      throw new CprError('busy', 'A machine is being started: wait for it, or destroy it.');
    }
    const starting = new AbortController();
    this.#starting = starting;
    try {
      const { machine, result } = await build(starting.signal);
      this.#machine?.end({ replaced: true });
      this.#pages.endWatches();
      this.#machine = machine;
      machine.show();
      this.#claims.announce(machine.id);
      return result;
    } finally {
      this.#starting = undefined;
      this.#claims.keepOnly(this.#machine?.id);
    }
  }

  async restart(runtime: RuntimeSource): Promise<RestartReport> {
    return this.#present.operations.restart(runtime);
  }

  async pause(): Promise<void> {
    this.#present.execution.pause();
  }

  async resume(): Promise<void> {
    this.#present.execution.resume();
  }

  async destroy(): Promise<void> {
    if (!this.#machine && !this.#starting) throw noMachine();
    this.#starting?.abort(
      new CprError('no-machine', 'The machine was destroyed while it was being started.'),
    );
    const machine = this.#machine;
    this.#machine = undefined;
    machine?.end();
    this.#pages.endWatches();
    this.#claims.keepOnly(undefined);
  }

  async suspend(): Promise<void> {
    this.#present.execution.suspend();
  }

  async wakeup(): Promise<void> {
    this.#present.execution.wakeup();
  }

  visibility(pageId: string, visible: boolean): void {
    this.#pages.setVisible(pageId, visible);
  }

  async ramBlocks(options?: { digests?: boolean }): Promise<RamBlockInfo[]> {
    return this.#present.ramBlocks(options);
  }

  async cprBlockers(mode: CprMode): Promise<Blocker[]> {
    return this.#present.cprBlockers(mode);
  }

  async cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport> {
    const machine = this.#present;
    const report = await machine.operations.cprSave(target, options);
    if (report.mode === 'reboot') {
      // Whoever destroyed or replaced it meanwhile has ended it.
      if (this.#machine === machine) this.#machine = undefined;
      machine.end();
      this.#pages.endWatches();
      this.#claims.keepOnly(this.#machine?.id);
    }
    return report;
  }

  /** Without a machine, or in its place, one is made as the state says. */
  async cprLoad(source: CprSource, options: CprLoadOptions = {}): Promise<CprLoadReport> {
    if (this.#early) await this.#early.settled;
    if (this.#machine && !options.replace) return this.#machine.operations.cprLoad(source, options);
    return this.#startOne(async (signal) => {
      const { bytes, request, machineId } = await incomingRequest(
        source,
        options,
        this.#environment.openStore,
      );
      await this.#claims.hold(machineId);
      const machine = await MachineHost.start(request, this.#environment, signal);
      try {
        const report = await untilAborted(
          machine.operations.cprLoad({ kind: 'bytes', bytes }, options),
          signal,
        );
        return { machine, result: report };
      } catch (thrown) {
        machine.end();
        throw thrown;
      }
    });
  }

  async cprCancel(): Promise<void> {
    return this.#present.operations.cprCancel();
  }

  async takeSnapshot(): Promise<SnapshotInfo> {
    return this.#present.operations.takeSnapshot();
  }

  async restoreSnapshot(id: string): Promise<RestoreReport> {
    return this.#present.operations.restoreSnapshot(id);
  }

  async dropSnapshot(id: string): Promise<void> {
    this.#present.operations.dropSnapshot(id);
  }

  async snapshots(): Promise<SnapshotInfo[]> {
    return this.#present.operations.snapshots();
  }

  command(name: string, args: unknown[]): unknown {
    return this.#present.command(name, args);
  }

  async storedMachines(): Promise<StoredMachineInfo[]> {
    // An early resume that still waits for its machine does not know yet where that runs.
    await this.#claims.settled();
    return this.#stored.list();
  }

  storageUsage(): Promise<StorageUsage> {
    return this.#stored.usage();
  }

  renameMachine(id: string, name: string): Promise<void> {
    return this.#stored.rename(id, name);
  }

  duplicateMachine(id: string, name: string): Promise<string> {
    return this.#stored.duplicate(id, name);
  }

  removeMachine(id: string): Promise<void> {
    return this.#stored.remove(id);
  }

  exportStored(id: string, port: MessagePort): Promise<ExportReport> {
    return this.#stored.exportState(id, port);
  }

  storedStates(): Promise<StoredStateInfo[]> {
    return this.#stored.states();
  }

  removeState(name: string): Promise<void> {
    return this.#stored.removeState(name);
  }

  exportMachine(id: string, request: ExportRequest): Promise<ExportedFile> {
    return this.#stored.export(id, request);
  }

  async checkpoint(): Promise<CheckpointInfo> {
    return this.#present.durability.checkpoint();
  }

  async exportGuest(port: MessagePort): Promise<ExportReport> {
    return this.#present.durability.exportGuest(port);
  }

  async importGuest(request: ImportRequest, port: MessagePort): Promise<ImportReport> {
    if (this.#early) await this.#early.settled;
    if (this.#machine && !request.replace) {
      throw new CprError(
        'bad-runstate',
        'There is a machine already: destroy it first, or open the state with "replace".',
      );
    }
    const beganMs = performance.now();
    return this.#startOne(async (signal) => {
      const { id = randomId(), durable } = request.config;
      if (durable) await this.#claims.hold(id);
      const { machine, takenAtMs } = await openMachine(
        { ...request, config: { ...request.config, id } },
        port,
        this.#environment,
        signal,
      );
      const durationMs = performance.now() - beganMs;
      return { machine, result: { machineId: id, takenAtMs, durationMs } };
    });
  }

  async setDurable(on: boolean): Promise<void> {
    const machine = this.#present;
    if (on) await this.#claims.hold(machine.id);
    machine.durability.set(on);
  }

  flush(flag: SharedArrayBuffer): void {
    const word = new Int32Array(flag);
    const saved = this.#machine?.durability.isOn
      ? this.#machine.durability.checkpoint({ urgent: true })
      : Promise.reject(noMachine());
    saved.then(
      () => Atomics.store(word, 0, flushed.saved),
      () => Atomics.store(word, 0, flushed.failed),
    );
  }

  /** Of the machine that runs here, or is being brought back. */
  get #presentId(): string | undefined {
    const early = this.#early?.id;
    return this.#machine?.id ?? (early && this.#claims.holds(early) ? early : undefined);
  }

  get #present(): MachineHost {
    if (!this.#machine) throw noMachine();
    return this.#machine;
  }

  #pagesChanged(): void {
    this.#machine?.pagesChanged();
    this.#machine?.view.sendStatus();
  }
}

function noMachine(): CprError {
  return new CprError('no-machine', 'There is no machine: start one first.');
}
