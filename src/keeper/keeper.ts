import { HoldfastError } from '../errors.ts';
import { abiVersion } from '../protocol/abi.ts';
import type { CprSource, CprTarget } from '../protocol/cpr.ts';
import type { TakenEvents } from '../protocol/event-bytes.ts';
import { imagesWithoutData } from '../protocol/images.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  KeeperInfo,
  StartRequest,
} from '../protocol/keeper-api.ts';
import { flushed } from '../protocol/keeper-api.ts';
import {
  answeredNames,
  type KeeperApi,
  type MachineCalls,
  machineCalls,
} from '../protocol/keeper-calls.ts';
import type { KeeperPlace, MoveMessage } from '../protocol/keeper-lookup.ts';
import type {
  MigrateIncomingReport,
  MigrateIncomingRequest,
  MigrateOptions,
  MigrateReport,
} from '../protocol/migration.ts';
import type { Supplies } from '../protocol/page-supply.ts';
import { passingOn } from '../protocol/passing-on.ts';
import type { OpenMessage } from '../protocol/preload.ts';
import { randomId } from '../protocol/random-id.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { ImportReport, ImportRequest } from '../protocol/state-transfer.ts';
import type { ResumeReport, ResumeRequest, SetDurableOptions } from '../protocol/stored.ts';
import { incomingRequest } from './cpr/incoming-request.ts';
import type { AroundStep } from './cpr/steps.ts';
import type { OpenStore } from './cpr/targets.ts';
import { askForMachine } from './durable/machine-lock.ts';
import { StoredMachines } from './durable/stored-machines.ts';
import { type MachineEnvironment, MachineHost } from './machine/machine-host.ts';
import type { MachineOperations } from './machine/machine-operations.ts';
import { MachineSlot, noMachine } from './machine/machine-slot.ts';
import { startOpened } from './machine/open-state.ts';
import { PreloadedOpening } from './machine/preloaded-opening.ts';
import { PreloadedResume } from './machine/preloaded-resume.ts';
import { resolveImages } from './machine/resolve-images.ts';
import { startStored } from './machine/resume-stored.ts';
import type { Client } from './pages/page-input.ts';
import { portLink } from './pages/page-link.ts';
import { Pages } from './pages/pages.ts';
import type { TerminalSize } from './pages/terminal-sizes.ts';
import { abortable } from './runtimes/abortable.ts';
import { acceptRuntime } from './runtimes/accept-runtime.ts';
import { RuntimeLoader } from './runtimes/runtime-loader.ts';
import { KeeperMigrations } from './upgrade/keeper-migrations.ts';
import { KeeperMove } from './upgrade/keeper-move.ts';
import { NameLock } from './upgrade/name-lock.ts';
import { PageCallGate } from './upgrade/page-calls.ts';

type KeeperIdentity = Omit<KeeperInfo, 'abiVersion' | 'methods' | 'machine'>;

/** Longest wait for the end of an opening whose page has left, which is noticed a moment later. */
const leavingPageMs = 3_000;

/** Parts that a keeper works with; tests give it others. */
interface KeeperOptions {
  loader?: RuntimeLoader;
  /** Absent without persistent storage. */
  openStore?: OpenStore;
  /** Address of the keeper's own script. */
  keeperUrl?: string;
  /** Name of the keeper's worker. */
  name?: string;
  /** Ends the worker. */
  end?: () => void;
  /** Opens, for reading, the store that a newer version of this site has written. */
  openNewerStore?: OpenStore;
  /** Reads state files, which the keeper does not know. */
  supplies?: Supplies;
  /** Called around each step of cprSave and cprLoad, so that tests can make one fail. */
  around?: AroundStep;
}

/**
 * The object that pages call. A keeper has one machine. Each other machine has a keeper of its own, see
 * `ConnectOptions.machineId`.
 */
export class Keeper extends passingOn<MachineCalls>(machineCalls) implements KeeperApi {
  readonly #identity: KeeperIdentity;
  readonly #keeperUrl: string | undefined;
  readonly #environment: MachineEnvironment;
  readonly #pages = new Pages(
    () => this.#pagesChanged(),
    (client) => this.#slot.machine?.input.gone(client),
    () => this.#slot.machine?.watchersChanged(),
    () => this.#slot.machine?.view,
  );
  readonly #slot: MachineSlot;
  /** A resume in progress that no page has requested yet. */
  #preloadedResume: PreloadedResume | undefined;
  /** The opening of a state in progress, for a page without a stored guest. */
  #preloadedOpening: PreloadedOpening | undefined;
  readonly storage: StoredMachines;
  /** Sizes of the terminals that pages show, also for machines that start later. */
  readonly #terminals = new Map<string, TerminalSize>();
  readonly #name: string;
  readonly #end: () => void;
  readonly #nameLock: NameLock;
  readonly #gate = new PageCallGate();
  readonly #migrations: KeeperMigrations;
  readonly #move: KeeperMove;

  constructor(identity: KeeperIdentity, options: KeeperOptions = {}) {
    super();
    this.#identity = identity;
    const { loader = new RuntimeLoader(), openStore, openNewerStore, keeperUrl, around } = options;
    const { supplies } = options;
    this.#keeperUrl = keeperUrl;
    this.#name = options.name ?? '';
    this.#end = options.end ?? (() => {});
    this.#nameLock = new NameLock({ name: this.#name, url: keeperUrl ?? '' });
    this.#slot = new MachineSlot(this.#pages, identity.keeperLock);
    this.storage = new StoredMachines({
      openStore,
      openNewerStore,
      supplies,
      presentId: () => this.#presentId,
      // A preloaded resume that still waits for its machine does not know yet where that runs.
      settled: () => this.#slot.settled(),
    });
    this.#environment = {
      pages: this.#pages,
      terminals: this.#terminals,
      loader,
      openStore,
      supplies,
      around,
    };
    this.#migrations = new KeeperMigrations({
      slot: this.#slot,
      environment: this.#environment,
      nameLock: this.#nameLock,
      storage: this.storage,
      keeperLock: identity.keeperLock,
      preloadSettled: () => this.#preloadSettled(),
      end: this.#end,
    });
    this.#move = new KeeperMove(this.#migrations, this.#gate);
  }

  info(): KeeperInfo {
    const machine = this.#slot.machine?.view.status() ?? null;
    return { ...this.#identity, abiVersion, methods: answeredNames, machine };
  }

  ping(): number {
    return Date.now();
  }

  where(): Omit<KeeperPlace, 'type'> {
    const { movedTo } = this.#gate;
    const { build = '' } = this.#identity;
    return { name: this.#name, build, abi: abiVersion, ...(movedTo !== undefined && { movedTo }) };
  }

  /** Moves the guest to another keeper, at the request of a page. */
  move(message: MoveMessage): void {
    void this.#move.request(message);
  }

  /** [KM6] Ends this worker, if a page started it for a guest that did not come. */
  async dismiss(): Promise<void> {
    this.#migrations.dismiss();
    await this.#slot.vacant(leavingPageMs);
    if (!this.#slot.machine && !this.#slot.isStarting && this.#pages.count === 0) this.#end();
  }

  /** Makes a page's call, see {@link PageCallGate}. */
  pass(call: () => unknown): unknown {
    return this.#gate.pass(call);
  }

  async attach(
    port: MessagePort,
    pageLock: string,
    pageId = '',
    has?: Readonly<Record<string, number>>,
    client: Client = {},
  ): Promise<KeeperInfo> {
    const isHere = this.#gate.movedTo === undefined;
    const found = isHere ? this.#nameLock.hold() : undefined;
    if (found) await found;
    return this.#gate.pass(() => {
      // Without an await after the greeting: no event is lost between it and the live ones.
      const greeting = this.#slot.machine?.view.greeting(has) ?? [];
      client.pageId = pageId;
      this.#pages.add(portLink(port), pageLock, pageId, greeting, client);
      this.#slot.machine?.input.attached(client);
      return this.info();
    }) as KeeperInfo | Promise<KeeperInfo>;
  }

  /** Returns the calls that depend on the connection. */
  connection(): Pick<KeeperApi, 'attach' | 'command'> {
    const client: Client = {};
    return {
      attach: (port, pageLock, pageId, has) => this.attach(port, pageLock, pageId, has, client),
      command: (name, args) => this.command(name, args, client),
    };
  }

  command(name: string, args: unknown[], client?: Client): unknown {
    return this.answering().command(name, args, client);
  }

  /** Operations on the machine that is there. @throws HoldfastError `no-machine` */
  override answering(): MachineOperations {
    return this.#slot.present.operations;
  }

  /** The machine that is there stays untouched until the new one runs. */
  async start(given: StartRequest): Promise<void> {
    const runtime = acceptRuntime(given.runtime);
    if (this.#preloadedResume || this.#preloadedOpening) await this.#preloadSettled();
    if (this.#slot.machine && !given.replace) {
      throw new HoldfastError(
        'bad-runstate',
        'There is a machine already: destroy it first, or start with "replace".',
      );
    }
    const { machine: present } = this.#slot;
    const isWhole = imagesWithoutData(given.config).length === 0;
    const config = isWhole
      ? given.config
      : await resolveImages(given.config, present, this.#environment.openStore);
    const request = { ...given, config, runtime };
    await this.#slot.fill(async (signal) => {
      const { id, durable } = config;
      if (durable && id !== undefined) await this.#slot.hold(id);
      const machine = await MachineHost.start(request, this.#environment, signal);
      return { machine, result: undefined };
    });
  }

  async resumeStored(request: ResumeRequest): Promise<ResumeReport> {
    const preloaded = this.#preloadedResume;
    if (!preloaded?.isFor(request)) return this.#resume(request);
    return preloaded.report.catch((thrown) => {
      const { code } = HoldfastError.from(thrown, 'internal', '');
      // The user destroyed it.
      if (code === 'no-machine') throw thrown;
      // A failed resume is tried again, since a page now receives the error.
      return this.#resume(request);
    });
  }

  /**
   * A page will ask for this guest as soon as its script is there.
   * @param checked see {@link RuntimeLoader.checkedAt}
   */
  preloadResume(request: ResumeRequest, checked?: MessagePort): void {
    if (this.#slot.machine || this.#slot.isStarting || this.#gate.movedTo !== undefined) return;
    if (checked) this.#environment.loader.checkedAt(checked, request.runtime);
    const preloaded = new PreloadedResume(request, this.#resume(request));
    this.#preloadedResume = preloaded;
    void preloaded.settled.then(() => {
      this.#preloadedResume = undefined;
    });
  }

  /** Opens a state that a page offers as its guest, if there is none to resume. */
  preloadOpen(message: OpenMessage): void {
    const isHere = this.#gate.movedTo === undefined;
    const isNeeded = isHere && !this.#slot.machine && !this.#preloadedOpening;
    const open = (request: ImportRequest, guest: MessagePort) => this.openState(request, guest);
    const isWanted = isNeeded ? this.#nothingStored() : Promise.resolve(false);
    const opening = new PreloadedOpening(message, isWanted, open);
    if (!isNeeded) return;
    this.#preloadedOpening = opening;
    void opening.settled.then(() => {
      this.#preloadedOpening = undefined;
    });
  }

  /** Returns true if the preloaded resume found no stored guest. */
  async #nothingStored(): Promise<boolean> {
    if (!this.#preloadedResume) return false;
    try {
      await this.#preloadedResume.report;
      return false;
    } catch (thrown) {
      return HoldfastError.from(thrown, 'internal', '').code === 'not-found';
    }
  }

  async #preloadSettled(): Promise<void> {
    await this.#preloadedResume?.settled;
    await this.#preloadedOpening?.settled;
  }

  async #resume({ id, runtime: given, ...options }: ResumeRequest): Promise<ResumeReport> {
    const { takeOver, files, replace } = options;
    const runtime = acceptRuntime(given);
    const { machine: present } = this.#slot;
    if (present && !replace) {
      throw new HoldfastError(
        'bad-runstate',
        'There is a machine already: destroy it first, or resume with "replace".',
      );
    }
    if (present?.id === id && present.ownsStored) {
      throw new HoldfastError('bad-runstate', 'The machine that runs here is the stored one.');
    }
    const beganMs = performance.now();
    this.#environment.loader.begin(runtime);
    return this.#slot.fill(async (signal) => {
      if (takeOver) await askForMachine(id);
      await this.#slot.hold(id);
      const { machine, takenAtMs, fellBack } = await startStored(
        { id, runtime, ...(files && { files }), ...(takeOver && { takeOver }) },
        this.#environment,
        signal,
      );
      const durationMs = performance.now() - beganMs;
      const result = { takenAtMs, durationMs, ...(fellBack !== undefined && { fellBack }) };
      return { machine, result };
    });
  }

  async destroy(): Promise<void> {
    this.#slot.destroy();
  }

  visibility(pageId: string, visible: boolean): void {
    this.#pages.setVisible(pageId, visible);
  }

  listen(pageId: string, frames: number): void {
    this.#pages.listen(pageId, frames);
    this.#slot.machine?.listenersChanged();
  }

  terminalSize(console: string, cols: number, rows: number): void {
    this.#terminals.set(console, { cols, rows });
    this.#slot.machine?.terminals.set(console, { cols, rows });
  }

  took(pageId: string, taken: TakenEvents): void {
    this.#pages.took(pageId, taken);
  }

  async cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport> {
    const machine = this.#slot.present;
    const report = await machine.operations.cprSave(target, accepted(options));
    if (report.mode === 'reboot') this.#slot.end(machine);
    return report;
  }

  /** Loads a state. Without a machine, or to replace it, a machine is created from the state. */
  async cprLoad(source: CprSource, given: CprLoadOptions = {}): Promise<CprLoadReport> {
    const options = accepted(given);
    if (this.#preloadedResume || this.#preloadedOpening) await this.#preloadSettled();
    if (this.#slot.machine && !options.replace)
      return this.#slot.machine.operations.cprLoad(source, options);
    return this.#slot.fill(async (signal) => {
      const { bytes, request, machineId } = await incomingRequest(
        source,
        options,
        this.#environment.openStore,
        this.#keeperUrl,
      );
      await this.#slot.hold(machineId);
      const machine = await MachineHost.start(request, this.#environment, signal);
      try {
        const report = await abortable(
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

  async openState(request: ImportRequest, port: MessagePort): Promise<ImportReport> {
    if (this.#preloadedResume) await this.#preloadedResume.settled;
    await this.#slot.vacant(leavingPageMs);
    if (this.#slot.machine && !request.replace) {
      throw new HoldfastError(
        'bad-runstate',
        'There is a machine already: destroy it first, or open the state with "replace".',
      );
    }
    const runtime = acceptRuntime(request.runtime);
    const beganMs = performance.now();
    return this.#slot.fill(async (signal) => {
      const { id = randomId(), durable } = request.config;
      if (durable) await this.#slot.hold(id);
      const { machine, takenAtMs } = await startOpened(
        { ...request, runtime, config: { ...request.config, id } },
        port,
        this.#environment,
        signal,
      );
      const durationMs = performance.now() - beganMs;
      return { machine, result: { machineId: id, takenAtMs, durationMs } };
    });
  }

  async migrate(
    target: MessagePort,
    options: MigrateOptions = {},
    siteUrl?: string,
    relay?: MessagePort,
  ): Promise<MigrateReport> {
    return this.#migrations.migrate(target, options, { siteUrl, relay });
  }

  migrateIncoming(
    request: MigrateIncomingRequest,
    port: MessagePort,
    relay?: MessagePort,
  ): Promise<MigrateIncomingReport> {
    return this.#migrations.receive(request, port, { relay });
  }

  migrateForeign(
    request: MigrateIncomingRequest,
    port: MessagePort,
    ask: MessagePort,
    relay?: MessagePort,
  ): Promise<MigrateIncomingReport> {
    return this.#migrations.receive(request, port, { ask, relay });
  }

  async setDurable(
    on: boolean,
    { replace = false, own = false }: SetDurableOptions = {},
  ): Promise<void> {
    const machine = this.#slot.present;
    if (on) await this.#slot.hold(machine.id);
    if (replace) machine.ownsStored = true;
    machine.durability.set(on, { own });
    if (replace || own) machine.durability.requestCheckpoint();
  }

  flush(flag: SharedArrayBuffer): void {
    const word = new Int32Array(flag);
    const saved = this.#slot.machine?.durability.isOn
      ? this.#slot.machine.durability.checkpoint({ urgent: true })
      : Promise.reject(noMachine());
    saved.then(
      () => Atomics.store(word, 0, flushed.saved),
      () => Atomics.store(word, 0, flushed.failed),
    );
  }

  /** Id of the machine that runs here or is being resumed. */
  get #presentId(): string | undefined {
    const preloaded = this.#preloadedResume?.id;
    return (
      this.#slot.machine?.id ?? (preloaded && this.#slot.holds(preloaded) ? preloaded : undefined)
    );
  }

  #pagesChanged(): void {
    this.#slot.machine?.pagesChanged();
    this.#slot.machine?.view.sendStatus();
  }
}

/** Accepts only runtimes that the page's own code names. */
function accepted<T extends { runtime?: RuntimeSource; runtimes?: readonly RuntimeSource[] }>(
  options: T,
): T {
  const { runtime, runtimes } = options;
  return {
    ...options,
    ...(runtime && { runtime: acceptRuntime(runtime) }),
    ...(runtimes && { runtimes: runtimes.map(acceptRuntime) }),
  };
}
