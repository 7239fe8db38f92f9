import { HoldfastError } from '../../errors.ts';
import type { PreparedRuntime, PrepareRequest, WriteTracking } from '../../protocol/abi.ts';
import type { DriveSource, MachineConfig, RemovableDriveName } from '../../protocol/config.ts';
import type { MachineEvent, MachineStatus, Runstate } from '../../protocol/events.ts';
import type { StartRequest } from '../../protocol/keeper-api.ts';
import type { Supplies } from '../../protocol/page-supply.ts';
import { randomId } from '../../protocol/random-id.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import { allocateMemory } from '../checkpoint/memory-layout.ts';
import type { WatchedWrites } from '../checkpoint/watched-writes.ts';
import { refuseIfEverBlocked } from '../cpr/blockers.ts';
import type { AroundStep } from '../cpr/steps.ts';
import type { OpenStore } from '../cpr/targets.ts';
import { MachineDurability } from '../durable/durability.ts';
import { Consoles } from '../guest/consoles.ts';
import { Execution } from '../guest/execution.ts';
import { MachineClock } from '../guest/machine-clock.ts';
import { RecentPages } from '../guest/recent-pages.ts';
import { MachineMemory } from '../lazy/machine-memory.ts';
import { MachineView } from '../pages/machine-view.ts';
import { PageInput } from '../pages/page-input.ts';
import type { Pages } from '../pages/pages.ts';
import { type TerminalSize, TerminalSizes } from '../pages/terminal-sizes.ts';
import { abortable } from '../runtimes/abortable.ts';
import { GatedHost, type HostBacking } from '../runtimes/gated-host.ts';
import { NextRuntime, prepareFirst } from '../runtimes/next-runtime.ts';
import { checkRuntime, type RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { VersionedPieceMaps } from '../runtimes/versioned-pieces.ts';
import { DiskLimit } from './disk-limit.ts';
import { commandGuest } from './guest-commands.ts';
import { MachineOperations } from './machine-operations.ts';
import type { OperatedMachine } from './operated-machine.ts';
import { SuspendWhenHidden } from './suspend-when-hidden.ts';

const statusIntervalMs = 1000;
/** See src/protocol/disk-piece.ts. */
const diskPrefix = 'disk.';

/** Parts of a keeper that its machines use. */
export interface MachineEnvironment {
  readonly pages: Pages;
  readonly loader: RuntimeLoader;
  /** Sizes of the terminals that pages show. */
  readonly terminals: ReadonlyMap<string, TerminalSize>;
  /** Absent without persistent storage. */
  readonly openStore: OpenStore | undefined;
  /** Reads the rest of a guest that runs before its memory has arrived. Absent: no guest does. */
  readonly supplies: Supplies | undefined;
  /** For tests that make a step fail. */
  readonly around: AroundStep | undefined;
}

/** One machine: its memory, its console output, and its runtime. */
export class MachineHost implements OperatedMachine {
  id: string;
  readonly backing: HostBacking;
  readonly execution: Execution;
  readonly next: NextRuntime;
  readonly consoles: Consoles;
  readonly clock = new MachineClock();
  readonly openStore: OpenStore | undefined;
  readonly around: AroundStep | undefined;
  readonly view: MachineView;
  readonly durability = new MachineDurability(this);
  readonly memory: MachineMemory;
  readonly recentPages = new RecentPages();
  readonly operations = new MachineOperations(this);
  readonly input = new PageInput((command, args) => commandGuest(this.execution, command, args));
  readonly terminals = new TerminalSizes({
    output: (console) => this.consoles.text(console),
    consoleInput: (...input) => commandGuest(this.execution, 'consoleInput', input),
  });
  restarts = 0;
  ownsStored: boolean;
  readonly #pages: Pages;
  readonly #diskLimit: DiskLimit;
  readonly #hidden: SuspendWhenHidden | undefined;
  /** Aborts when the machine ends. */
  readonly #gone = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #wasSeen = false;
  #lastRunstate: Runstate | undefined;

  private constructor(request: StartRequest, environment: MachineEnvironment) {
    const { pages, loader, openStore, around } = environment;
    this.id = request.config.id ?? randomId();
    const { lineage = randomId() } = request.config;
    const config = { ...request.config, id: this.id, lineage };
    this.ownsStored = request.replace ?? false;
    this.openStore = openStore;
    this.around = around;
    this.#pages = pages;
    this.view = new MachineView(this, pages);
    const { layout, memory, scratch } = allocateMemory(config);
    const emit = (event: MachineEvent, transfer: Transferable[]) => this.view.emit(event, transfer);
    this.consoles = new Consoles(emit);
    this.execution = new Execution(request.runtime, {
      changed: () => this.#changed(),
      crashed: (message) => this.view.emit({ type: 'error', code: 'guest-crashed', message }),
    });
    this.backing = {
      config,
      memory,
      scratch,
      runtimeBytes: layout.runtimeBytes,
      blocks: layout.blocks,
      kept: new Map(),
      clock: this.clock.now,
      pieces: new VersionedPieceMaps((name) => this.#piecesGrew(name)),
      emit,
      consoleOutput: (name, bytes) => {
        this.consoles.output(name, bytes);
        this.terminals.received(name, bytes);
      },
      crashed: (reason) => this.execution.crashed(reason),
      guestReset: () => {
        this.terminals.reset();
        this.execution.guestReset();
      },
      guestHalted: () => this.execution.guestHalted(),
      wakeup: () => this.execution.wakeIfSuspended(),
      driveChanged: (device, source) => this.#driveChanged(device, source),
    };
    this.memory = new MachineMemory({
      backing: this.backing,
      instance: () => this.execution.activeRuntime?.instance,
      changed: () => this.view.sendStatus(),
      whole: () => {
        this.view.sendStatus();
        // From the next checkpoint on, the guest needs no server.
        this.durability.requestCheckpoint();
      },
      supplies: environment.supplies,
      gone: this.gone,
    });
    for (const [console, size] of environment.terminals) this.terminals.set(console, size);
    this.#diskLimit = new DiskLimit(config.limits?.diskMiB);
    this.next = new NextRuntime(loader, this.backing, this.#gone.signal);
    this.#hidden = SuspendWhenHidden.for(this.execution, config.suspendWhenHiddenMs);
    this.#timer = setInterval(() => this.execution.tick(), statusIntervalMs);
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /**
   * Creates a machine up to a running guest, or with `incoming` to one that waits to be loaded.
   * Pages do not see it until {@link show}. A failure leaves nothing behind.
   * @param meanwhile starts work that can be done while the runtime is fetched and prepared
   */
  static async start(
    request: StartRequest & Pick<PrepareRequest, 'unhurried'>,
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
      const module = await abortable(loader.load(request.runtime), signal);
      checkRuntime(module, request.runtime);
      const { incoming = false, unhurried = false } = request;
      const preparing = { wasmUrl, module: compiling, coldBoot: true, incoming, unhurried, signal };
      const prepared = await prepareFirst(module, host, preparing);
      if (request.incoming) machine.operations.enterIncoming({ prepared, host, prepareMs: 0 });
      else machine.#boot(prepared, host);
      if (request.v86State) machine.#loadV86State(request.v86State);
      if (request.config.onlyCprCapable) await abortable(refuseIfEverBlocked(machine), signal);
      return machine;
    } catch (thrown) {
      host.gate = 'closed';
      machine.end();
      throw HoldfastError.from(
        adoptHoldfastError(thrown),
        'runtime-unavailable',
        `The machine could not be started with runtime ${id}`,
      );
    }
  }

  /**
   * Loads a state before the guest has run. @throws HoldfastError `wrong-v86-state`,
   * `runtime-incompatible`
   */
  #loadV86State(state: Uint8Array): void {
    const { loadV86State } = this.execution.instance.commands;
    if (!loadV86State) {
      throw new HoldfastError(
        'runtime-incompatible',
        'This runtime is too old to take a state of v86.',
      );
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
      throw HoldfastError.from(
        adoptHoldfastError(thrown),
        'runtime-failed',
        'The guest could not be booted',
      );
    }
  }

  /** Makes this the machine that the attached pages see. */
  show(): void {
    if (!this.durability.hasBegun && this.execution.activeRuntime) this.durability.begin();
    const greeting = this.view.greeting();
    this.#diskLimit.allow(this.backing.pieces.bytesOf(diskPrefix));
    this.#pages.renew();
    this.view.show();
    this.pagesChanged();
    for (const event of greeting) this.view.emit(event);
  }

  /** Reacts to pages that attach, leave, show or hide. */
  pagesChanged(): void {
    this.watchersChanged();
    this.listenersChanged();
    this.#hidden?.update(this.#pages.anyVisible);
    if (this.#wasSeen && !this.#pages.anyVisible) this.durability.requestCheckpoint();
    this.#wasSeen = this.#pages.anyVisible;
  }

  /**
   * Reacts to pages with or without room for more of the screen. Changes in between are sent as
   * one.
   */
  watchersChanged(): void {
    this.execution.activeRuntime?.instance.setWatched(this.#pages.anyWatches);
  }

  /** Reacts to pages that start or stop listening to the sound. */
  listenersChanged(): void {
    this.execution.activeRuntime?.instance.setListened?.(this.#pages.anyListens);
  }

  watchedWrites(writes: WriteTracking | undefined): WatchedWrites | undefined {
    return this.operations.watchedWrites(writes);
  }

  /**
   * Takes over the configuration and media of another guest. The machine keeps its name and its own
   * options.
   */
  configure(config: MachineConfig): void {
    const { name, durable, foreign, lineage } = this.backing.config;
    const { foreign: _, ...guest } = config;
    this.backing.config = {
      ...(lineage !== undefined && { lineage }),
      ...guest,
      id: this.id,
      name,
      ...(foreign && { foreign }),
      ...(durable !== undefined && { durable }),
    };
  }

  become(id: string, name: string): void {
    this.id = id;
    this.backing.config = { ...this.backing.config, id, name };
  }

  /**
   * Ends the guest. Pages receive a last status, `shutdown`, unless another machine replaces this
   * one at once.
   */
  end({ replaced = false, reason }: { replaced?: boolean; reason?: HoldfastError } = {}): void {
    clearInterval(this.#timer);
    this.durability.end();
    this.#hidden?.stop();
    this.terminals.end();
    this.input.end();
    this.#gone.abort(new HoldfastError('no-machine', 'The machine was destroyed meanwhile.'));
    const lastStatus: MachineStatus = {
      ...this.view.status(),
      runstate: 'shutdown',
      mips: 0,
      destroyed: true,
      ...(reason && { reason: { code: reason.code, message: reason.message } }),
    };
    this.memory.end();
    this.execution.end();
    this.operations.end();
    this.#endKept();
    this.consoles.flush();
    if (!replaced) this.view.emit({ type: 'status', status: lastStatus });
    this.view.hide();
  }

  /** Ends objects that runtimes left in the keeper, which may hold sockets. */
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
    // The stored runstate must match: a guest that was resumed must not be restored stopped, nor
    // the reverse.
    if (runstate !== this.#lastRunstate) this.durability.requestCheckpoint();
    this.#lastRunstate = runstate;
    this.input.settle();
    this.terminals.sendSizes();
    this.view.sendStatus();
    this.#hidden?.update(this.#pages.anyVisible);
  }

  #piecesGrew(name: string): void {
    if (!name.startsWith(diskPrefix)) return;
    const written = this.backing.pieces.bytesOf(diskPrefix);
    if (this.#diskLimit.isReached(written)) queueMicrotask(() => this.#overDiskLimit());
  }

  /** Runs after the writing device's call, so that the guest stops between two instructions. */
  #overDiskLimit(): void {
    if (this.#gone.signal.aborted || this.execution.runstate !== 'running') return;
    this.execution.pause();
    const written = Math.round(this.backing.pieces.bytesOf(diskPrefix) / 2 ** 20);
    this.view.emit({
      type: 'error',
      code: 'guest-over-limit',
      message: `The guest has written ${written} MiB to its disks, all of which this site keeps. It is paused; nothing is lost. Resume it to let it write a quarter more.`,
    });
  }

  /** Records a medium: states that are stored from now on contain it. */
  #driveChanged(device: RemovableDriveName, source: DriveSource | undefined): void {
    const { [device]: _, ...others } = this.backing.config;
    this.backing.config = source ? { ...others, [device]: source } : others;
    this.view.sendStatus();
  }
}
