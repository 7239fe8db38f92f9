import { HoldfastError, type RestartPhase } from '../../errors.ts';
import type { RuntimeInstance } from '../../protocol/abi.ts';
import type { SavedRunstate } from '../../protocol/cpr.ts';
import type { MachineEvent, Runstate } from '../../protocol/events.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import type { ActiveRuntime } from '../runtimes/hand-over.ts';
import { MipsMeter } from './mips-meter.ts';
import { RunstateMachine } from './runstate.ts';

/** State of a machine when it was frozen. Part of the vmstate. */
export interface FrozenExecution {
  runstate: SavedRunstate;
  /** With `paused`: true if `resume` returns to `suspended`. */
  wasSuspended: boolean;
}

interface ExecutionEvents {
  /** Called when the runstate or any other value of the status has changed. */
  changed(): void;
  crashed(report: string): void;
}

/** Run states that can be saved, handed over and loaded. */
const live = ['running', 'paused', 'suspended'] as const;

/** Execution of the guest: the active runtime and the runstate. */
export class Execution {
  readonly #runstate = new RunstateMachine();
  readonly #meter = new MipsMeter();
  readonly #events: ExecutionEvents;
  #activeRuntime: ActiveRuntime | undefined;
  #source: RuntimeSource;
  /** QEMU's `vm_was_suspended`: true if a paused machine was suspended before. */
  #wasSuspended = false;
  /** True from {@link freeze} to {@link thaw}: only the save that froze the guest may resume it. */
  #frozen = false;
  /** State of the guest when it left for another keeper. */
  #left: FrozenExecution | undefined;
  /** Number of {@link hold} calls without their {@link release}. */
  #holds = 0;
  bootedAtMs = Date.now();
  mips = 0;
  crash: string | undefined;

  constructor(source: RuntimeSource, events: ExecutionEvents) {
    this.#source = source;
    this.#events = events;
  }

  get runstate(): Runstate {
    return this.#runstate.current;
  }

  /** The active runtime. In `inmigrate` it is the previous one, stopped. */
  get source(): RuntimeSource {
    return this.#source;
  }

  get activeRuntime(): ActiveRuntime | undefined {
    return this.#activeRuntime;
  }

  /** @throws HoldfastError `no-machine`, or `bad-runstate` for a machine without a guest */
  get hosted(): ActiveRuntime {
    if (this.#activeRuntime) return this.#activeRuntime;
    if (this.runstate === 'inmigrate') this.#runstate.require('reach the guest', ...live);
    throw new HoldfastError('no-machine', 'The machine was destroyed.');
  }

  get instance(): RuntimeInstance {
    return this.hosted.instance;
  }

  get isFrozen(): boolean {
    return this.#frozen || this.runstate === 'inmigrate' || this.runstate === 'postmigrate';
  }

  /** Boots the machine's first guest. On an error nothing of it remains. */
  boot(activeRuntime: ActiveRuntime): void {
    this.#activeRuntime = activeRuntime;
    this.bootedAtMs = Date.now();
    this.#restartMeter();
    activeRuntime.instance.run();
    activeRuntime.host.rethrowCrash();
    activeRuntime.host.gate = 'in-charge';
    this.#runstate.set('running');
  }

  /** Enters `inmigrate`: the machine has no guest and waits for one. */
  awaitIncoming(): void {
    this.#runstate.set('inmigrate');
  }

  /** Records that another runtime has the guest. The runstate stays. */
  handedOver(activeRuntime: ActiveRuntime, source: RuntimeSource): void {
    this.#activeRuntime = activeRuntime;
    this.#source = source;
    this.#restartMeter();
  }

  pause(): void {
    this.#requireThawed('pause');
    if (this.runstate === 'paused') return;
    this.#runstate.require('pause', 'running', 'suspended');
    const wasSuspended = this.runstate === 'suspended';
    if (!wasSuspended) this.#orFail('pause', () => this.instance.stop());
    this.#wasSuspended = wasSuspended;
    this.#enter('paused');
  }

  /**
   * Like QEMU's `cont`: no effect on a suspended machine. A paused one that was suspended is
   * suspended again. One that left, and of which nothing is known since, runs here again.
   */
  resume(): void {
    this.#requireThawed('resume');
    if (this.runstate === 'postmigrate') {
      this.comeBack();
      return;
    }
    if (this.runstate === 'running' || this.runstate === 'suspended') return;
    this.#runstate.require('resume', 'paused');
    if (this.#wasSuspended) this.#enter('suspended');
    else this.#run('resume');
  }

  suspend(): void {
    this.#requireThawed('suspend');
    if (this.runstate === 'suspended') return;
    this.#runstate.require('suspend', 'running');
    this.#orFail('suspend', () => this.instance.stop());
    this.#enter('suspended');
  }

  /** @throws HoldfastError `bad-runstate` unless the machine is suspended */
  wakeup(): void {
    this.#requireThawed('wake the machine up');
    this.#runstate.require('wake the machine up', 'suspended');
    this.#run('wake the machine up');
  }

  /** Wakes a suspended guest; ignored in other runstates. */
  wakeIfSuspended(): void {
    if (this.runstate === 'suspended' && !this.#frozen) this.wakeup();
  }

  /** @throws HoldfastError `bad-runstate` for a machine that cannot be saved or handed over */
  requireLive(operation: string, phase?: RestartPhase): void {
    try {
      this.#runstate.require(operation, ...live);
    } catch (thrown) {
      throw HoldfastError.from(thrown, 'bad-runstate', `Cannot ${operation}`, phase);
    }
  }

  requireIncoming(operation: string): void {
    this.#runstate.require(operation, 'inmigrate');
  }

  /** Stops the guest for a save. A paused machine stays in that runstate, as in QEMU. */
  freeze(): FrozenExecution {
    this.requireLive('save');
    const runstate = this.runstate as SavedRunstate;
    const before = { runstate, wasSuspended: runstate === 'paused' && this.#wasSuspended };
    if (runstate === 'running') this.#stopOrRunOn();
    this.#frozen = true;
    if (runstate !== 'paused') this.#enter('save-vm');
    return before;
  }

  /** Returns the execution state for a checkpoint. @throws HoldfastError `bad-runstate` */
  savedState(): FrozenExecution {
    this.requireLive('take a checkpoint');
    const runstate = this.runstate as SavedRunstate;
    return { runstate, wasSuspended: runstate === 'paused' && this.#wasSuspended };
  }

  /** Stops the guest for a moment until each {@link release}, without a status event. */
  hold(): void {
    if (this.runstate === 'running') this.instance.stop();
    this.#holds++;
  }

  release(): void {
    this.#holds--;
    // It may have been destroyed meanwhile.
    if (this.#holds === 0 && this.#activeRuntime && this.runstate === 'running') this.#runOrCrash();
  }

  /** The guest, which stands still, is about to run in another keeper. */
  leave(): void {
    this.#left = this.savedState();
    this.#enter('postmigrate');
  }

  /** The guest does not run in the other keeper. It continues here as before {@link leave}. */
  comeBack(): void {
    const { runstate, wasSuspended } = this.#left ?? { runstate: 'paused', wasSuspended: false };
    this.#left = undefined;
    this.#wasSuspended = wasSuspended;
    if (runstate !== 'running') this.#enter(runstate);
    else if (this.#holds === 0) this.#runOrCrash();
    else {
      // It runs at the last release.
      this.#restartMeter();
      this.#enter('running');
    }
  }

  /**
   * Checks that the guest is still as {@link freeze} left it: it may have crashed or been
   * destroyed.
   */
  requireFrozen(): void {
    if (!this.#activeRuntime)
      throw new HoldfastError('no-machine', 'The machine was destroyed meanwhile.');
    this.#runstate.require('go on', 'save-vm', 'paused', 'inmigrate');
  }

  /** Marks the frozen guest as waiting to be loaded. */
  enterIncoming(): void {
    this.requireFrozen();
    this.#frozen = false;
    this.#enter('inmigrate');
  }

  /** Undoes {@link freeze} and {@link enterIncoming}. A guest that ended in between stays ended. */
  thaw({ runstate, wasSuspended }: FrozenExecution): void {
    this.#frozen = false;
    const current = this.runstate;
    if (!this.#activeRuntime || (current !== 'save-vm' && current !== 'inmigrate')) return;
    this.#wasSuspended = wasSuspended;
    if (runstate !== 'running') this.#enter(runstate);
    else this.#runOrCrash();
  }

  /** Records that the guest was loaded, and whether it runs. */
  loaded(
    activeRuntime: ActiveRuntime,
    source: RuntimeSource,
    { runstate, wasSuspended }: FrozenExecution,
  ): void {
    this.handedOver(activeRuntime, source);
    this.#wasSuspended = wasSuspended;
    this.#enter(runstate);
  }

  /** @throws HoldfastError `bad-runstate` unless the devices can take another state */
  requireRestorable(): void {
    this.#requireThawed('restore a snapshot');
    this.#runstate.require('restore a snapshot', ...live, 'shutdown');
  }

  /** The guest stands still, and is about to be another. */
  beginRestore(): void {
    this.requireRestorable();
    if (this.runstate === 'running') this.#stopOrRunOn();
  }

  /** The guest is as it was before {@link beginRestore}. */
  abandonRestore(): void {
    if (this.runstate === 'running') this.#runOrCrash();
  }

  /** The guest is the one of a snapshot, and does what it did then. */
  restored({ runstate, wasSuspended }: FrozenExecution): void {
    this.#wasSuspended = wasSuspended;
    // A guest that was powered down starts again, as after a reset.
    if (this.runstate === 'shutdown') this.#runstate.set('prelaunch');
    this.crash = undefined;
    if (runstate === 'running') {
      if (this.runstate !== 'running') this.#runstate.set('running');
      this.#runOrCrash();
      this.#events.changed();
    } else if (this.runstate !== runstate) {
      if (this.runstate === 'prelaunch') this.#runstate.set('running');
      this.#enter(runstate);
    }
  }

  crashed(reason: unknown): void {
    const what = reason instanceof Error ? (reason.stack ?? String(reason)) : String(reason);
    const v86Version = this.#activeRuntime?.instance.v86Version ?? this.#source.v86Version;
    const runtime = `runtime ${this.#source.id}, v86 ${v86Version}`;
    this.crash ??= `The runtime died while it ran the guest (${runtime}): ${what}`;
    if (this.runstate !== 'internal-error') this.#runstate.set('internal-error');
    this.#frozen = false;
    this.mips = 0;
    this.#events.crashed(this.crash);
    this.#events.changed();
  }

  guestReset(): void {
    this.bootedAtMs = Date.now();
    if (this.runstate === 'shutdown') {
      this.#runstate.set('prelaunch');
      this.#runstate.set('running');
      this.instance.run();
    }
    this.#events.changed();
  }

  /** Records that the guest stopped its CPU for good; only a reset starts it again. */
  guestHalted(): void {
    if (this.runstate !== 'running') return;
    this.instance.stop();
    this.#enter('shutdown');
  }

  /** Call this about once a second. */
  tick(): void {
    if (this.runstate !== 'running' || !this.#activeRuntime) return;
    this.mips = this.#meter.sample(
      this.#activeRuntime.instance.instructionCounter(),
      performance.now(),
    );
    this.#events.changed();
  }

  describe(): MachineEvent[] {
    try {
      const instance = this.#activeRuntime?.instance;
      return instance?.describe?.() ?? instance?.snapshot() ?? [];
    } catch (thrown) {
      // For a crashed runtime, a page still gets the status and the console output.
      console.warn('The runtime could not describe its screen:', thrown);
      return [];
    }
  }

  end(): void {
    if (!this.#activeRuntime) return;
    const { instance, host } = this.#activeRuntime;
    this.#activeRuntime = undefined;
    host.gate = 'closed';
    // Each step separately: a crashed runtime may fail to stop and must still be destroyed.
    for (const step of ['stop', 'destroy'] as const) {
      try {
        instance[step]();
      } catch (thrown) {
        console.warn(`The runtime could not ${step}:`, thrown);
      }
    }
  }

  #enter(runstate: Runstate): void {
    this.#runstate.set(runstate);
    if (runstate !== 'running') this.mips = 0;
    this.#events.changed();
  }

  #run(operation: string): void {
    this.#restartMeter();
    // A guest that is held runs at the last release.
    if (this.#holds === 0) this.#orFail(operation, () => this.instance.run());
    this.#enter('running');
  }

  #stopOrRunOn(): void {
    try {
      this.instance.stop();
    } catch (thrown) {
      this.#runOrCrash();
      throw thrown;
    }
  }

  #runOrCrash(): void {
    try {
      this.instance.run();
    } catch (thrown) {
      this.crashed(thrown);
      return;
    }
    this.#restartMeter();
    if (this.runstate !== 'running') this.#enter('running');
  }

  #restartMeter(): void {
    const { instance } = this.hosted;
    this.#meter.restart(instance.instructionCounter(), performance.now());
  }

  #orFail(operation: string, action: () => void): void {
    try {
      action();
    } catch (thrown) {
      throw HoldfastError.from(adoptHoldfastError(thrown), 'runtime-failed', `Cannot ${operation}`);
    }
  }

  #requireThawed(operation: string): void {
    if (!this.#frozen) return;
    throw new HoldfastError(
      'busy',
      `Cannot ${operation}: the machine is being saved, wait for its end.`,
    );
  }
}
