import { CprError } from '../errors.ts';
import type { PreparedRuntime, WriteTracking } from '../protocol/abi.ts';
import {
  type DriveSource,
  type MachineConfig,
  type RemovableDriveName,
  withoutContents,
} from '../protocol/config.ts';
import type { Blocker, CprMode, CprSource, CprTarget } from '../protocol/cpr.ts';
import type { MachineEvent, MachineStatus, Runstate } from '../protocol/events.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  RamBlockInfo,
  RestartReport,
  RuntimeSource,
  StartRequest,
} from '../protocol/keeper-api.ts';
import { randomId } from '../protocol/random-id.ts';
import type { RestoreReport, SnapshotInfo } from '../protocol/snapshot.ts';
import type { CutItem, ExportReport, ImportRequest } from '../protocol/state-transfer.ts';
import type { Arrival, CheckpointInfo } from '../protocol/stored.ts';
import { adoptCprError } from '../protocol/wire-error.ts';
import { Consoles } from './consoles.ts';
import { cprBlockers, refuseIfEverBlocked } from './cpr/blockers.ts';
import type { CprMachine } from './cpr/cpr-machine.ts';
import { MachineCpr } from './cpr/machine-cpr.ts';
import { listRamBlocks } from './cpr/ram-blocks.ts';
import type { AroundStep } from './cpr/steps.ts';
import type { Origin, Restoring } from './cpr/stored-guest.ts';
import type { OpenStore } from './cpr/targets.ts';
import { Durable } from './durable/durable.ts';
import { putRight, randomMac } from './durable/put-right.ts';
import { Execution } from './execution.ts';
import { GatedHost, type HostBacking } from './gated-host.ts';
import { onlyLooks, wakesGuest } from './guest-commands.ts';
import type { HostedInstance } from './hand-over.ts';
import { KeptPieceMaps } from './kept-pieces.ts';
import { liveRestart } from './live-restart.ts';
import { MachineClock } from './machine-clock.ts';
import { allocateMemory } from './memory-layout.ts';
import { NextRuntime, prepareFirst } from './next-runtime.ts';
import { OneAtATime } from './one-at-a-time.ts';
import type { Pages } from './pages.ts';
import { checkRuntime, type RuntimeLoader } from './runtime-loader.ts';
import { Snapshots } from './snapshot/snapshots.ts';
import { SuspendWhenHidden } from './suspend-when-hidden.ts';
import { exportGuest } from './transfer/export-guest.ts';
import { untilAborted } from './until-aborted.ts';

const statusIntervalMs = 1000;

/** Counts over all machines of this keeper, see {@link MachineStatus.revision}. */
let revision = 0;

/** What a keeper lends to its machines. */
export interface MachineEnvironment {
  readonly pages: Pages;
  readonly loader: RuntimeLoader;
  /** Absent where there is no persistent storage. */
  readonly openStore: OpenStore | undefined;
  /** For tests that let a step fail. */
  readonly around: AroundStep | undefined;
}

/** One machine: its memory, what it said, and the runtime that runs it. */
export class MachineHost implements CprMachine {
  id: string;
  readonly backing: HostBacking;
  readonly execution: Execution;
  readonly next: NextRuntime;
  readonly consoles: Consoles;
  readonly clock = new MachineClock();
  readonly openStore: OpenStore | undefined;
  readonly around: AroundStep | undefined;
  restarts = 0;
  readonly #pages: Pages;
  readonly #hidden: SuspendWhenHidden | undefined;
  readonly #cpr = new MachineCpr(this);
  readonly #snapshots = new Snapshots(this);
  readonly #operations = new OneAtATime();
  /** Aborts with the machine's end. */
  readonly #gone = new AbortController();
  /** Until the machine is in its place its pages hear of another one. */
  #visible = false;
  /** For the status, which goes to every page once a second. */
  #describedConfig: MachineConfig;
  readonly #timer: ReturnType<typeof setInterval>;
  /** From the first guest on, where there is storage. */
  #durable: Durable | undefined;
  #arrival: Arrival = { kind: 'booted' };
  #wasSeen = false;
  /** By copying it while it runs, as checkpoints do: one of the two at a time. */
  #isExporting = false;
  #lastPauseMs: number | undefined;
  #lastRunstate: Runstate | undefined;

  private constructor(request: StartRequest, environment: MachineEnvironment) {
    const { pages, loader, openStore, around } = environment;
    this.id = request.config.id ?? randomId();
    const config = { ...request.config, id: this.id };
    this.#describedConfig = withoutContents(config);
    this.openStore = openStore;
    this.around = around;
    this.#pages = pages;
    const { layout, memory, scratch } = allocateMemory(config);
    const emit = (event: MachineEvent, transfer: Transferable[]) => this.#emit(event, transfer);
    this.consoles = new Consoles(emit);
    this.execution = new Execution(request.runtime, {
      changed: () => this.#changed(),
      crashed: (message) => this.#emit({ type: 'error', code: 'guest-crashed', message }),
    });
    this.backing = {
      config,
      memory,
      scratch,
      runtimeBytes: layout.runtimeBytes,
      blocks: layout.blocks,
      kept: new Map(),
      clock: this.clock.now,
      pieces: new KeptPieceMaps(),
      emit,
      consoleOutput: (name, bytes) => this.consoles.output(name, bytes),
      crashed: (reason) => this.execution.crashed(reason),
      guestReset: () => this.execution.guestReset(),
      guestHalted: () => this.execution.guestHalted(),
      wakeup: () => this.execution.wakeIfSuspended(),
      driveChanged: (device, source) => this.#driveChanged(device, source),
    };
    this.next = new NextRuntime(loader, this.backing, this.#gone.signal);
    this.#hidden = SuspendWhenHidden.for(this.execution, config.suspendWhenHiddenMs);
    this.#timer = setInterval(() => this.execution.tick(), statusIntervalMs);
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /**
   * Builds a machine up to a guest that runs, or, `incoming`, to one that waits to be loaded; unseen
   * by the pages until {@link show}. Whatever fails, it leaves nothing behind.
   * @param meanwhile begins what can be done while the runtime is fetched and made ready
   */
  static async start(
    request: StartRequest,
    environment: MachineEnvironment,
    signal: AbortSignal,
    meanwhile: (machine: MachineHost) => void = () => {},
  ): Promise<MachineHost> {
    const { loader } = environment;
    const machine = new MachineHost(request, environment);
    const host = new GatedHost(machine.backing);
    const { wasmUrl, id } = request.runtime;
    try {
      meanwhile(machine);
      const compiling = loader.compile(request.runtime);
      const module = await untilAborted(loader.load(request.runtime), signal);
      checkRuntime(module, request.runtime);
      const { incoming = false } = request;
      const preparing = { wasmUrl, module: compiling, coldBoot: true, incoming, signal };
      const prepared = await prepareFirst(module, host, preparing);
      if (request.incoming) machine.#cpr.await({ prepared, host, prepareMs: 0 });
      else machine.#boot(prepared, host);
      if (request.v86State) machine.#loadV86State(request.v86State);
      if (request.config.onlyCprCapable) await untilAborted(refuseIfEverBlocked(machine), signal);
      return machine;
    } catch (thrown) {
      host.gate = 'closed';
      machine.end();
      throw CprError.from(
        adoptCprError(thrown),
        'runtime-unavailable',
        `The machine could not be started with runtime ${id}`,
      );
    }
  }

  /** Before the guest has run. @throws CprError `wrong-v86-state`, `runtime-incompatible` */
  #loadV86State(state: Uint8Array): void {
    const { loadV86State } = this.execution.instance.commands;
    if (!loadV86State) {
      throw new CprError('runtime-incompatible', 'This runtime is too old to take a state of v86.');
    }
    loadV86State(state);
  }

  #boot(prepared: PreparedRuntime, host: GatedHost): void {
    try {
      host.gate = 'taking-over';
      this.execution.boot({ instance: prepared.boot(), host });
    } catch (thrown) {
      this.execution.end();
      prepared.discard();
      throw CprError.from(adoptCprError(thrown), 'runtime-failed', 'The guest could not be booted');
    }
  }

  /**
   * Goes on with the newest state in `store` that is whole. For a machine that was started `incoming`.
   * @throws CprError with the machine in `inmigrate` as before
   */
  resumeStored(
    { store, restoring }: Restoring,
    identity: { id: string; name: string },
  ): Promise<{ takenAtMs: number; fellBack?: string }> {
    return this.#exclusively('A resume', async () => {
      const origin = await this.#cpr.resume(store, restoring);
      // A copy still has the names of what it was copied from: it goes on as a clone.
      const isClone = this.id !== identity.id;
      this.become(identity.id, identity.name);
      this.#broughtBack(origin, { isClone });
      const { takenAtMs, fellBack } = origin.cut;
      return { takenAtMs, ...(fellBack !== undefined && { fellBack }) };
    });
  }

  /**
   * Goes on with a guest that arrives in this machine's memory. For one that was started `incoming`.
   * @returns when its state was taken
   * @throws CprError with the machine in `inmigrate` as before
   */
  openGuest(
    arriving: Promise<CutItem>,
    { config, identity }: Pick<ImportRequest, 'config' | 'identity'>,
  ): Promise<number> {
    return this.#exclusively('An opening', async () => {
      const { takenAtMs, openedFrom } = await this.#cpr.open(arriving);
      const { name, id = this.id } = config;
      this.become(id, name);
      if (openedFrom) this.#configure({ ...this.backing.config, openedFrom });
      this.#arrival = { kind: 'opened', takenAtMs, openedAtMs: Date.now(), identity };
      const isClone = identity === 'clone';
      // A second life: it is as old as itself.
      if (isClone) this.execution.bootedAtMs = Date.now();
      this.#goesOnAfterGap({ isClone });
      return takenAtMs;
    });
  }

  /** @throws CprError `busy` while another export of a machine without checkpoints is under way */
  async exportGuest(port: MessagePort): Promise<ExportReport> {
    const durable = this.isDurable && this.#durable?.status.state !== 'failing';
    const checkpoint = durable ? () => this.checkpoint() : undefined;
    if (checkpoint) return exportGuest({ machine: this, port, checkpoint });
    if (this.#isExporting) {
      throw new CprError('busy', 'This machine is being exported already: wait for its end.');
    }
    this.#isExporting = true;
    try {
      return await exportGuest({ machine: this, port });
    } finally {
      this.#isExporting = false;
    }
  }

  #broughtBack(origin: Origin, { isClone = false } = {}): void {
    const { takenAtMs, fellBack } = origin.cut;
    this.#arrival = {
      kind: 'resumed',
      takenAtMs,
      resumedAtMs: Date.now(),
      ...(fellBack !== undefined && { fellBack }),
    };
    this.#goesOnAfterGap({ origin, isClone });
  }

  #goesOnAfterGap({ origin, isClone }: { origin?: Origin; isClone: boolean }): void {
    this.#keepDurable(origin);
    this.putRight({ isClone });
    this.consoles.flush();
    this.pagesChanged();
    this.#describe();
  }

  /**
   * After a gap: what in the guest only its agent can mend. A clone gets a network address of its
   * own; its guest's driver follows where there is an agent, else at its next start.
   */
  putRight({ isClone }: { isClone: boolean }): void {
    const { commands } = this.execution.instance;
    const mac = isClone && this.backing.config.network !== 'none' ? randomMac() : undefined;
    if (mac) {
      commands.changeMac?.(mac);
      this.#configure({ ...this.backing.config, mac });
    }
    const port = {
      said: (console: string) => this.consoles.text(console),
      consoleInput: (name: string, bytes: Uint8Array) => commands.consoleInput(name, bytes),
    };
    putRight(port, { ...(mac !== undefined && { mac }) });
  }

  #keepDurable(origin?: Origin): void {
    if (!this.openStore) return;
    this.#durable = new Durable({ machine: this, origin, changed: () => this.#durableChanged() });
    this.#durable.set(this.isDurable);
  }

  #durableChanged(): void {
    const { error } = this.#durable?.status ?? {};
    // Somebody else goes on with this guest: here it must not.
    if (error?.code === 'taken-over' && this.execution.runstate === 'running') {
      this.#emit({ type: 'error', ...error });
      this.execution.pause();
    }
    this.sendStatus();
  }

  /** @throws CprError `storage-unavailable`, or what the store throws */
  checkpoint(options?: { urgent?: boolean }): Promise<CheckpointInfo> {
    if (this.#durable) return this.#durable.checkpoint(options);
    throw new CprError(
      'storage-unavailable',
      'There is nothing to save, or nowhere: this keeper has no persistent storage or no guest.',
    );
  }

  get isDurable(): boolean {
    return this.backing.config.durable === true;
  }

  setDurable(on: boolean): void {
    if (this.#isExporting) {
      throw new CprError('busy', 'This machine is being exported: wait for its end.');
    }
    this.#configure({ ...this.backing.config, durable: on });
    this.#durable?.set(on);
    this.sendStatus();
  }

  status(): MachineStatus {
    const { runstate, source, charge, mips, bootedAtMs, crash } = this.execution;
    return {
      runstate,
      config: this.#describedConfig,
      runtimeId: source.id,
      v86Version: charge?.instance.v86Version ?? source.v86Version,
      mips,
      bootedAtMs,
      restarts: this.restarts,
      ...(this.#lastPauseMs !== undefined && { lastPauseMs: this.#lastPauseMs }),
      pages: this.#pages.count,
      ...(this.#durable && { durability: this.#durable.status }),
      arrival: this.#arrival,
      ...(crash !== undefined && { crash }),
      revision: ++revision,
    };
  }

  sendStatus(): void {
    this.#emit({ type: 'status', status: this.status() });
  }

  /** What brings a page that knows nothing up to date; everything later is sent live. */
  greeting(): MachineEvent[] {
    this.consoles.flush();
    return [
      { type: 'status', status: this.status() },
      ...this.consoles.history(),
      ...this.execution.snapshot(),
    ];
  }

  /** Makes this the machine that the attached pages see. */
  show(): void {
    if (!this.#durable && this.execution.charge) this.#keepDurable();
    const greeting = this.greeting();
    this.#visible = true;
    this.pagesChanged();
    for (const event of greeting) this.#emit(event);
  }

  /** Pages have come or gone, or are shown or hidden. */
  pagesChanged(): void {
    this.execution.charge?.instance.setWatched(this.#pages.count > 0);
    this.#hidden?.update(this.#pages.anyVisible);
    if (this.#wasSeen && !this.#pages.anyVisible) this.#durable?.soon();
    this.#wasSeen = this.#pages.anyVisible;
  }

  pause(): void {
    this.execution.pause();
  }

  resume(): void {
    this.execution.resume();
  }

  suspend(): void {
    this.execution.suspend();
  }

  wakeup(): void {
    this.execution.wakeup();
  }

  command(name: string, args: unknown[]): unknown {
    const { commands, v86Version } = this.execution.instance;
    const command: unknown = name in Object.prototype ? undefined : commands[name];
    if (typeof command !== 'function') {
      throw new CprError('internal', `The runtime (v86 ${v86Version}) has no command "${name}".`);
    }
    if (!onlyLooks(name)) this.#requireReceptive(name);
    if (wakesGuest(name)) this.execution.wakeIfSuspended();
    return command.apply(commands, args);
  }

  /** What reaches devices after they were saved would be lost. */
  #requireReceptive(name: string): void {
    if (!this.execution.isFrozen) return;
    throw new CprError(
      'bad-runstate',
      `The guest takes no "${name}" now: its state has been saved (runstate "${this.execution.runstate}"). Load it, or cancel, first.`,
    );
  }

  ramBlocks({ digests = false }: { digests?: boolean } = {}): Promise<RamBlockInfo[]> {
    const { charge, runstate } = this.execution;
    const moving = runstate === 'running';
    return listRamBlocks(this.backing, charge?.instance, { digests, moving });
  }

  async cprBlockers(mode: CprMode): Promise<Blocker[]> {
    const blockers = await cprBlockers(mode, this);
    const { current } = this.#operations;
    if (current === undefined) return blockers;
    const message = `${current} is under way. Wait for its end.`;
    return [{ code: 'operation-in-flight', message }, ...blockers];
  }

  /** Live update. The guest runs on in its present runtime until the other one is ready. */
  restart(source: RuntimeSource): Promise<RestartReport> {
    return this.#exclusively('A restart', async () => {
      this.execution.requireLive('restart');
      // Beside the preparation: should everything fail, little is lost.
      this.#durable?.soon();
      const { report, from } = await this.#orShowAgain(() => liveRestart(this, source));
      this.restarts++;
      this.#lastPauseMs = report.timings.pauseMs;
      await this.#settle(from, { type: 'restarted', ...report });
      return report;
    });
  }

  /**
   * After mode `reboot` the machine is frozen, and to be ended.
   * @throws CprError with the guest in the runstate that it had
   */
  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport> {
    return this.#exclusively('A cprSave', () => {
      const save = () => this.#cpr.save(target, options);
      // Mode `reboot` writes to the same storage.
      return this.#durable && options.mode === 'reboot' ? this.#durable.stepAside(save) : save();
    });
  }

  /** @throws CprError with the machine in `inmigrate` as before */
  cprLoad(source: CprSource, options: CprLoadOptions): Promise<CprLoadReport> {
    return this.#exclusively('A cprLoad', async () => {
      const load = () => this.#cpr.load(source, options);
      const { report, from, origin } = await this.#orShowAgain(load);
      if (origin) this.#broughtBack(origin);
      if (from) {
        this.restarts++;
        await this.#settle(from);
      }
      return report;
    });
  }

  cprCancel(): Promise<void> {
    return this.#exclusively('A cprCancel', async () => this.#cpr.cancel());
  }

  /** @throws CprError with the guest going on as before */
  takeSnapshot(): Promise<SnapshotInfo> {
    return this.#exclusively('A snapshot', () => this.#snapshots.take());
  }

  /** @throws CprError as {@link Snapshots.restore} */
  restoreSnapshot(id: string): Promise<RestoreReport> {
    return this.#exclusively('A restore', async () => {
      const restore = () => this.#snapshots.restore(id);
      // What checkpoints know of the guest is true no more.
      const report = await (this.#durable ? this.#durable.stepAside(restore) : restore());
      this.consoles.flush();
      this.pagesChanged();
      this.#describe();
      this.#emit({ type: 'snapshot-restored', id });
      return report;
    });
  }

  dropSnapshot(id: string): void {
    this.#snapshots.drop(id);
  }

  snapshots(): SnapshotInfo[] {
    return this.#snapshots.list();
  }

  watchedWrites(writes: WriteTracking | undefined): WriteTracking | undefined {
    return this.#snapshots.watch(writes);
  }

  /** The guest is another, and has other media; the machine's name and what it is to do are not. */
  configure(config: MachineConfig): void {
    const { name, durable } = this.backing.config;
    this.#configure({ ...config, id: this.id, name, ...(durable !== undefined && { durable }) });
  }

  become(id: string, name: string): void {
    this.id = id;
    this.#configure({ ...this.backing.config, id, name });
  }

  async #exclusively<T>(operation: string, action: () => Promise<T>): Promise<T> {
    // One that was given up still owns the memory in which runtimes are made ready.
    if (this.#operations.current === undefined) this.next.requireIdle();
    return this.#operations.run(operation, action);
  }

  /** Another runtime that failed may have drawn on the pages before it did. */
  async #orShowAgain<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (thrown) {
      if (this.execution.charge) this.#describe();
      throw thrown;
    }
  }

  /** After a hand-over: everything that can wait until the guest has run. */
  async #settle(from: HostedInstance, event?: MachineEvent): Promise<void> {
    // The guest's first slice in the new runtime goes before everything that is left to do.
    await new Promise((resolve) => setTimeout(resolve));
    try {
      from.instance.destroy();
    } catch (thrown) {
      console.warn('The old runtime could not be ended:', thrown);
    }
    if (!this.execution.charge) return;
    this.pagesChanged();
    if (event) this.#emit(event);
    this.#describe();
  }

  #describe(): void {
    this.sendStatus();
    for (const event of this.execution.snapshot()) this.#emit(event);
  }

  /**
   * The end of the guest. The pages hear it as a last status, `shutdown`, unless another machine
   * takes its place at once.
   */
  end({ replaced = false, reason }: { replaced?: boolean; reason?: CprError } = {}): void {
    clearInterval(this.#timer);
    this.#durable?.end();
    this.#hidden?.stop();
    this.#gone.abort(new CprError('no-machine', 'The machine was destroyed meanwhile.'));
    const lastStatus: MachineStatus = {
      ...this.status(),
      runstate: 'shutdown',
      mips: 0,
      destroyed: true,
      ...(reason && { reason: { code: reason.code, message: reason.message } }),
    };
    this.execution.end();
    this.#cpr.end();
    this.#endKept();
    this.consoles.flush();
    if (!replaced) this.#emit({ type: 'status', status: lastStatus });
    this.#visible = false;
  }

  /** What runtimes left with us may hold sockets. */
  #endKept(): void {
    for (const kept of this.backing.kept.values()) {
      try {
        (kept as { machineEnded?: () => void } | null)?.machineEnded?.();
      } catch (thrown) {
        console.warn('Something kept for the machine could not be ended:', thrown);
      }
    }
  }

  #changed(): void {
    const { runstate } = this.execution;
    // A guest that somebody set going must not come back as it stood still, nor the other way round.
    if (runstate !== this.#lastRunstate) this.#durable?.soon();
    this.#lastRunstate = runstate;
    this.sendStatus();
    this.#hidden?.update(this.#pages.anyVisible);
  }

  /** A runtime whose state is stored from here on is stored with this medium. */
  #driveChanged(device: RemovableDriveName, source: DriveSource | undefined): void {
    const { [device]: _, ...others } = this.backing.config;
    this.#configure(source ? { ...others, [device]: source } : others);
    this.sendStatus();
  }

  #configure(config: MachineConfig): void {
    this.backing.config = config;
    this.#describedConfig = withoutContents(config);
  }

  #emit(event: MachineEvent, transfer: Transferable[] = []): void {
    if (this.#visible || event.type === 'progress') this.#pages.broadcast(event, transfer);
  }
}
