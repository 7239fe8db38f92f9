import { CprError, type RestartPhase } from '../errors.ts';
import type { PreparedRuntime, RamBlock } from '../protocol/abi.ts';
import {
  type DriveSource,
  type MachineConfig,
  type RemovableDriveName,
  withoutContents,
} from '../protocol/config.ts';
import type { MachineEvent, MachineStatus, RestartTimings } from '../protocol/events.ts';
import type { RestartReport, RuntimeSource, StartRequest } from '../protocol/keeper-api.ts';
import { adoptCprError } from '../protocol/wire-error.ts';
import { Consoles } from './consoles.ts';
import { GatedHost, type HostBacking } from './gated-host.ts';
import { type HostedInstance, handOver, LostGuestError } from './hand-over.ts';
import { KeptPieceMaps } from './kept-pieces.ts';
import { MachineClock } from './machine-clock.ts';
import { allocateMemory } from './memory-layout.ts';
import { MipsMeter } from './mips-meter.ts';
import { NextRuntime, prepareFirst } from './next-runtime.ts';
import type { Pages } from './pages.ts';
import { RunstateMachine } from './runstate.ts';
import { checkRuntime, type RuntimeLoader } from './runtime-loader.ts';
import { untilAborted } from './until-aborted.ts';

const statusIntervalMs = 1000;

/** Counts over all machines of this keeper, see {@link MachineStatus.revision}. */
let revision = 0;

/** One machine: its memory, what it said, and the runtime that runs it. */
export class MachineHost {
  readonly #pages: Pages;
  readonly #next: NextRuntime;
  readonly #backing: HostBacking;
  readonly #consoles: Consoles;
  readonly #runstate = new RunstateMachine();
  readonly #clock = new MachineClock();
  readonly #meter = new MipsMeter();
  /** Aborts with the machine's end. */
  readonly #gone = new AbortController();
  #source: RuntimeSource;
  #charge: HostedInstance | undefined;
  /** Until the machine is in its place its pages hear of another one. */
  #visible = false;
  /** For the status, which goes to every page once a second. */
  #describedConfig: MachineConfig;
  #restarting = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #mips = 0;
  #bootedAtMs = Date.now();
  #restarts = 0;
  #lastPauseMs: number | undefined;
  #crash: string | undefined;

  private constructor(request: StartRequest, pages: Pages, loader: RuntimeLoader) {
    this.#pages = pages;
    this.#source = request.runtime;
    this.#describedConfig = withoutContents(request.config);
    const { layout, memory, scratch } = allocateMemory(request.config);
    const emit = (event: MachineEvent, transfer: Transferable[]) => this.#emit(event, transfer);
    this.#consoles = new Consoles(emit);
    this.#backing = {
      config: request.config,
      memory,
      scratch,
      runtimeBytes: layout.runtimeBytes,
      blocks: layout.blocks,
      kept: new Map(),
      clock: this.#clock.now,
      pieces: new KeptPieceMaps(),
      emit,
      consoleOutput: (name, bytes) => this.#consoles.output(name, bytes),
      crashed: (reason) => this.#crashed(reason),
      guestReset: () => this.#guestReset(),
      guestHalted: () => this.#guestHalted(),
      driveChanged: (device, source) => this.#driveChanged(device, source),
    };
    this.#next = new NextRuntime(loader, this.#backing, this.#gone.signal);
  }

  /**
   * Builds a machine up to a guest that runs, unseen by the pages until {@link show}. Whatever
   * fails, it leaves nothing behind.
   */
  static async start(
    request: StartRequest,
    pages: Pages,
    loader: RuntimeLoader,
    signal: AbortSignal,
  ): Promise<MachineHost> {
    const module = await untilAborted(loader.load(request.runtime), signal);
    checkRuntime(module, request.runtime);
    const machine = new MachineHost(request, pages, loader);
    const host = new GatedHost(machine.#backing);
    const { wasmUrl, id } = request.runtime;
    try {
      machine.#boot(await prepareFirst(module, host, { wasmUrl, coldBoot: true, signal }), host);
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

  #boot(prepared: PreparedRuntime, host: GatedHost): void {
    try {
      host.gate = 'taking-over';
      const instance = prepared.boot();
      this.#charge = { instance, host };
      this.#bootedAtMs = Date.now();
      this.#meter.restart(instance.instructionCounter(), performance.now());
      instance.run();
      host.rethrowCrash();
      host.gate = 'in-charge';
      this.#runstate.set('running');
      this.#timer = setInterval(() => this.#tick(), statusIntervalMs);
    } catch (thrown) {
      this.#endInstance();
      prepared.discard();
      throw CprError.from(adoptCprError(thrown), 'runtime-failed', 'The guest could not be booted');
    }
  }

  get blocks(): RamBlock[] {
    return [...this.#backing.blocks];
  }

  status(): MachineStatus {
    return {
      runstate: this.#runstate.current,
      config: this.#describedConfig,
      runtimeId: this.#source.id,
      v86Version: this.#charge?.instance.v86Version ?? this.#source.v86Version,
      mips: this.#mips,
      bootedAtMs: this.#bootedAtMs,
      restarts: this.#restarts,
      ...(this.#lastPauseMs !== undefined && { lastPauseMs: this.#lastPauseMs }),
      pages: this.#pages.count,
      ...(this.#crash !== undefined && { crash: this.#crash }),
      revision: ++revision,
    };
  }

  sendStatus(): void {
    this.#emit({ type: 'status', status: this.status() });
  }

  /** What brings a page that knows nothing up to date; everything later is sent live. */
  greeting(): MachineEvent[] {
    this.#consoles.flush();
    return [
      { type: 'status', status: this.status() },
      ...this.#consoles.history(),
      ...this.#snapshot(),
    ];
  }

  /** Makes this the machine that the attached pages see. */
  show(): void {
    const greeting = this.greeting();
    this.#visible = true;
    this.setWatched(this.#pages.count > 0);
    for (const event of greeting) this.#emit(event);
  }

  setWatched(watched: boolean): void {
    this.#charge?.instance.setWatched(watched);
  }

  pause(): void {
    if (this.#runstate.current === 'paused') return;
    this.#runstate.require('pause', 'running', 'suspended');
    this.#orFail('pause', () => this.#instance.stop());
    this.#runstate.set('paused');
    this.#mips = 0;
    this.sendStatus();
  }

  resume(): void {
    if (this.#runstate.current === 'running') return;
    this.#runstate.require('resume', 'paused');
    this.#meter.restart(this.#instance.instructionCounter(), performance.now());
    this.#orFail('resume', () => this.#instance.run());
    this.#runstate.set('running');
    this.sendStatus();
  }

  #orFail(operation: string, action: () => void): void {
    try {
      action();
    } catch (thrown) {
      throw CprError.from(adoptCprError(thrown), 'runtime-failed', `Cannot ${operation}`);
    }
  }

  command(name: string, args: unknown[]): unknown {
    const { commands, v86Version } = this.#instance;
    const command: unknown = name in Object.prototype ? undefined : commands[name];
    if (typeof command !== 'function') {
      throw new CprError('internal', `The runtime (v86 ${v86Version}) has no command "${name}".`);
    }
    return command.apply(commands, args);
  }

  /** Live update. The guest runs on in its present runtime until the other one is ready. */
  async restart(source: RuntimeSource): Promise<RestartReport> {
    if (this.#restarting || this.#next.preparing) {
      throw new CprError('busy', 'A restart of this machine is under way: wait for its end.');
    }
    this.#requireRestartable();
    this.#restarting = true;
    try {
      return await this.#restart(source);
    } finally {
      this.#restarting = false;
    }
  }

  async #restart(source: RuntimeSource): Promise<RestartReport> {
    const { prepared, host, prepareMs } = await this.#next.prepare(source);

    const from = this.#running;
    let timings: RestartTimings;
    try {
      await this.#next.bounded('stop', source, () => from.instance.quiesce());
      // The guest ran until here: it may have been paused, or have crashed.
      this.#requireRestartable('stop');
      const wasRunning = this.#runstate.current !== 'paused';
      const done = handOver({ from, to: { prepared, host }, wasRunning });
      timings = { prepareMs, ...done.timings };
      this.#charge = { instance: done.instance, host };
    } catch (thrown) {
      this.#restartFailed(prepared, host, thrown);
      throw thrown;
    }
    this.#source = source;
    this.#restarts++;
    this.#lastPauseMs = timings.pauseMs;
    const { instance } = this.#charge;
    this.#meter.restart(instance.instructionCounter(), performance.now());
    const report = { runtimeId: source.id, v86Version: instance.v86Version, timings };

    // The guest's first slice in the new runtime goes before everything that is left to do.
    await new Promise((resolve) => setTimeout(resolve));
    try {
      from.instance.destroy();
    } catch (thrown) {
      console.warn('The old runtime could not be ended:', thrown);
    }
    if (this.#charge) {
      this.setWatched(this.#pages.count > 0);
      this.#emit({ type: 'restarted', ...report });
      this.sendStatus();
      for (const event of this.#snapshot()) this.#emit(event);
    }
    return report;
  }

  #restartFailed(prepared: PreparedRuntime, host: GatedHost, thrown: unknown): void {
    host.gate = 'closed';
    try {
      prepared.discard();
    } catch (discardError) {
      console.warn('A prepared runtime could not be discarded:', discardError);
    }
    if (!this.#charge) return;
    if (thrown instanceof LostGuestError) {
      this.#crashed(thrown);
      return;
    }
    // The other runtime may have drawn on the pages before it failed.
    this.sendStatus();
    for (const event of this.#snapshot()) this.#emit(event);
  }

  #requireRestartable(phase?: RestartPhase): void {
    try {
      this.#runstate.require('restart', 'running', 'paused', 'suspended');
    } catch (thrown) {
      throw CprError.from(thrown, 'bad-runstate', 'Cannot restart', phase);
    }
  }

  /**
   * The end of the guest. The pages hear it as a last status, `shutdown`, unless another machine
   * takes its place at once.
   */
  end({ replaced = false } = {}): void {
    clearInterval(this.#timer);
    this.#gone.abort(new CprError('no-machine', 'The machine was destroyed meanwhile.'));
    const lastStatus: MachineStatus = {
      ...this.status(),
      runstate: 'shutdown',
      mips: 0,
      destroyed: true,
    };
    this.#endInstance();
    this.#endKept();
    this.#consoles.flush();
    if (!replaced) this.#emit({ type: 'status', status: lastStatus });
    this.#visible = false;
  }

  /** What runtimes left with us may hold sockets. */
  #endKept(): void {
    for (const kept of this.#backing.kept.values()) {
      try {
        (kept as { machineEnded?: () => void } | null)?.machineEnded?.();
      } catch (thrown) {
        console.warn('Something kept for the machine could not be ended:', thrown);
      }
    }
  }

  #endInstance(): void {
    if (!this.#charge) return;
    const { instance, host } = this.#charge;
    this.#charge = undefined;
    host.gate = 'closed';
    // Each for itself: a crashed emulator may fail to stop and must still let go.
    for (const step of ['stop', 'destroy'] as const) {
      try {
        instance[step]();
      } catch (thrown) {
        console.warn(`The runtime could not ${step}:`, thrown);
      }
    }
  }

  #crashed(reason: unknown): void {
    const what = reason instanceof Error ? (reason.stack ?? String(reason)) : String(reason);
    const runtime = `runtime ${this.#source.id}, v86 ${this.#running.instance.v86Version}`;
    this.#crash ??= `The emulator died while it ran the guest (${runtime}): ${what}`;
    if (this.#runstate.current !== 'internal-error') this.#runstate.set('internal-error');
    this.#mips = 0;
    this.#emit({ type: 'error', code: 'guest-crashed', message: this.#crash });
    this.sendStatus();
  }

  #guestReset(): void {
    this.#bootedAtMs = Date.now();
    if (this.#runstate.current === 'shutdown') {
      this.#runstate.set('prelaunch');
      this.#runstate.set('running');
      this.#instance.run();
    }
    this.sendStatus();
  }

  /** The guest stopped its CPU for good; only a reset brings it back. */
  #guestHalted(): void {
    if (this.#runstate.current !== 'running') return;
    this.#instance.stop();
    this.#runstate.set('shutdown');
    this.#mips = 0;
    this.sendStatus();
  }

  /** A runtime whose state is stored from here on is stored with this medium. */
  #driveChanged(device: RemovableDriveName, source: DriveSource | undefined): void {
    const { [device]: _, ...others } = this.#backing.config;
    this.#backing.config = source ? { ...others, [device]: source } : others;
    this.#describedConfig = withoutContents(this.#backing.config);
    this.sendStatus();
  }

  #tick(): void {
    if (this.#runstate.current !== 'running' || !this.#charge) return;
    const counter = this.#charge.instance.instructionCounter();
    this.#mips = this.#meter.sample(counter, performance.now());
    this.sendStatus();
  }

  #snapshot(): MachineEvent[] {
    try {
      return this.#charge?.instance.snapshot() ?? [];
    } catch (thrown) {
      // Of a crashed emulator a page still gets the status and what the consoles said.
      console.warn('The runtime could not describe its screen:', thrown);
      return [];
    }
  }

  #emit(event: MachineEvent, transfer: Transferable[] = []): void {
    if (this.#visible || event.type === 'progress') this.#pages.broadcast(event, transfer);
  }

  get #running(): HostedInstance {
    if (this.#charge) return this.#charge;
    throw new CprError('no-machine', 'The machine was destroyed.');
  }

  get #instance() {
    return this.#running.instance;
  }
}
