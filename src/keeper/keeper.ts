import { HoldfastError } from '../errors.ts';
import { abiVersion } from '../protocol/abi.ts';
import type { Blocker, CprSource, CprTarget } from '../protocol/cpr.ts';
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
import type { KeeperAddress, KeeperPlace, MoveMessage } from '../protocol/keeper-lookup.ts';
import type {
  MigrateIncomingReport,
  MigrateIncomingRequest,
  MigrateOptions,
  MigrateReport,
} from '../protocol/migration.ts';
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
import { receiveMigration } from './machine/incoming-migration.ts';
import { type MachineEnvironment, MachineHost } from './machine/machine-host.ts';
import type { MachineOperations } from './machine/machine-operations.ts';
import { MachineSlot, noMachine } from './machine/machine-slot.ts';
import { startOpened } from './machine/open-state.ts';
import { PreloadedOpening } from './machine/preloaded-opening.ts';
import { PreloadedResume } from './machine/preloaded-resume.ts';
import { resolveImages } from './machine/resolve-images.ts';
import { startStored } from './machine/resume-stored.ts';
import { PortChannel } from './migration/channel.ts';
import { turnAway } from './migration/link.ts';
import type { Client } from './pages/page-input.ts';
import { portLink } from './pages/page-link.ts';
import { Pages } from './pages/pages.ts';
import type { TerminalSize } from './pages/terminal-sizes.ts';
import { abortable } from './runtimes/abortable.ts';
import { acceptRuntime } from './runtimes/accept-runtime.ts';
import { RuntimeLoader } from './runtimes/runtime-loader.ts';
import { KeeperMove, sendNothing } from './upgrade/keeper-move.ts';
import { MachineNetwork } from './upgrade/machine-network.ts';
import { hasEnded, moveBlockers } from './upgrade/move-blockers.ts';
import { NameLock } from './upgrade/name-lock.ts';
import { PageCallGate } from './upgrade/page-calls.ts';

type KeeperIdentity = Omit<KeeperInfo, 'abiVersion' | 'methods' | 'machine'>;

/** Longest downtime of a guest that moves to a newer keeper, ms: a busy computer is no obstacle. */
const moveDowntimeMs = 1_000;

/** Time for pages that look for the machine while it moves, ms. Then its former keeper ends. */
const signpostMs = 30_000;

const startsMachine = () =>
  new HoldfastError('busy', 'A machine is being started: wait for it, then upgrade.');

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
  readonly #move = new KeeperMove(
    {
      blockers: (options) => this.#moveBlockers(options),
      send: (...request) => this.#send(...request),
    },
    this.#gate,
  );

  constructor(identity: KeeperIdentity, options: KeeperOptions = {}) {
    super();
    this.#identity = identity;
    const { loader = new RuntimeLoader(), openStore, openNewerStore, keeperUrl, around } = options;
    this.#keeperUrl = keeperUrl;
    this.#name = options.name ?? '';
    this.#end = options.end ?? (() => {});
    this.#nameLock = new NameLock({ name: this.#name, url: keeperUrl ?? '' });
    this.#slot = new MachineSlot(this.#pages, identity.keeperLock);
    this.storage = new StoredMachines({
      openStore,
      openNewerStore,
      presentId: () => this.#presentId,
      // A preloaded resume that still waits for its machine does not know yet where that runs.
      settled: () => this.#slot.settled(),
    });
    this.#environment = {
      pages: this.#pages,
      terminals: this.#terminals,
      loader,
      openStore,
      around,
    };
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
    await this.#slot.vacant(leavingPageMs);
    if (!this.#slot.machine && !this.#slot.isStarting && this.#pages.count === 0) this.#end();
  }

  async #moveBlockers(options: { isRelayed: boolean }): Promise<readonly Blocker[]> {
    const { machine } = this.#slot;
    return machine ? moveBlockers(machine, options) : [];
  }

  async #send(
    { to, channel, relay }: Pick<MoveMessage, 'to' | 'channel' | 'relay'>,
    stopped: () => void,
  ): Promise<{ downtimeMs?: number }> {
    if (this.#slot.isStarting) throw startsMachine();
    const { machine } = this.#slot;
    if (!machine || hasEnded(machine)) {
      // A machine that a call starts here from now on would end with this worker.
      stopped();
      await sendNothing(channel);
      // A page's call may have begun before.
      if (this.#slot.machine !== machine || this.#slot.isStarting) throw startsMachine();
      this.#moved(to);
      if (machine) this.#slot.end(machine);
      this.#endAfter(relay, undefined);
      return {};
    }
    const network = new MachineNetwork(machine);
    const options = { downtimeLimitMs: moveDowntimeMs };
    const left = ({ downtimeMs }: MigrateReport) => {
      this.#moved(to, downtimeMs);
      if (relay) network.take();
    };
    const { downtimeMs } = await this.#sendAway(channel, options, { stopped, left });
    this.#endAfter(relay, network);
    return { downtimeMs };
  }

  /** Ends this worker once nothing looks for the machine here, and no connection of the guest is left. */
  #endAfter(relay: MessagePort | undefined, network: MachineNetwork | undefined): void {
    const isRelayed = relay && network?.isTaken;
    const relaying = isRelayed ? network.relay(relay) : Promise.resolve(relay?.close());
    void relaying.then(() => setTimeout(this.#end, signpostMs));
  }

  #moved(to: KeeperAddress, downtimeMs?: number): void {
    const event = { type: 'moved', to, ...(downtimeMs !== undefined && { downtimeMs }) } as const;
    this.#pages.broadcast(event, []);
    this.#nameLock.release();
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
      this.#pages.add(portLink(port), pageLock, pageId, greeting, client);
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
  ): Promise<MigrateReport> {
    return this.#sendAway(target, options, { siteUrl });
  }

  /** @param pages called when the guest has stopped, and when it runs elsewhere */
  async #sendAway(
    target: MessagePort,
    options: MigrateOptions,
    {
      stopped,
      left,
      siteUrl,
    }: {
      stopped?: () => void;
      left?: (report: MigrateReport) => void;
      siteUrl?: string | undefined;
    } = {},
  ): Promise<MigrateReport> {
    const channel = new PortChannel(target);
    try {
      const machine = this.#slot.present;
      const { keeperLock } = this.#identity;
      const lock = {
        release: () => this.#slot.letGo(),
        hold: () => this.#slot.hold(machine.id),
      };
      const to = { channel, keeperLock, lock, stopped, siteUrl };
      const report = await machine.operations.migrate(to, options);
      left?.(report);
      const message = 'The guest moved to another keeper and runs there.';
      this.#slot.end(machine, new HoldfastError('migrated', message));
      return report;
    } catch (thrown) {
      await turnAway(channel, thrown);
      throw thrown;
    }
  }

  migrateIncoming(
    request: MigrateIncomingRequest,
    port: MessagePort,
    relay?: MessagePort,
  ): Promise<MigrateIncomingReport> {
    return this.#receive(request, port, { relay });
  }

  migrateForeign(
    request: MigrateIncomingRequest,
    port: MessagePort,
    ask: MessagePort,
  ): Promise<MigrateIncomingReport> {
    return this.#receive(request, port, { ask });
  }

  async #receive(
    request: MigrateIncomingRequest,
    port: MessagePort,
    { relay, ask }: { relay?: MessagePort | undefined; ask?: MessagePort },
  ): Promise<MigrateIncomingReport> {
    const channel = new PortChannel(port);
    const wasFound = this.#nameLock.isHeld;
    try {
      if (this.#preloadedResume || this.#preloadedOpening) await this.#preloadSettled();
      if (this.#slot.machine && !request.replace) {
        throw new HoldfastError(
          'bad-runstate',
          'There is a machine already: destroy it first, or migrate with "replace".',
        );
      }
      return await this.#slot.fill((signal) =>
        receiveMigration({
          request,
          channel,
          ask,
          environment: this.#environment,
          keeperLock: this.#identity.keeperLock,
          signal,
          hold: (machineId) => this.#slot.hold(machineId),
          arrives: async () => this.#nameLock.hold(),
          made: (machine) => relay && new MachineNetwork(machine).join(relay),
        }),
      );
    } catch (thrown) {
      // Pages that came for the guest have to find it where it runs on.
      if (!this.#slot.machine && !wasFound) this.#nameLock.release();
      await turnAway(channel, thrown);
      throw thrown;
    }
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
