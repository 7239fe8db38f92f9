/** Operations on a whole machine, one at a time: live update, CPR, snapshots, and resuming. */
import { HoldfastError } from '../../errors.ts';
import type { WriteTracking } from '../../protocol/abi.ts';
import type { Blocker, CprMode, CprSource, CprTarget } from '../../protocol/cpr.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  PauseOptions,
  RamBlockInfo,
  RestartReport,
} from '../../protocol/keeper-api.ts';
import type { MachineCalls } from '../../protocol/keeper-calls.ts';
import type { MigrateOptions, MigrateReport, MigrationInfo } from '../../protocol/migration.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { RestoreReport, SnapshotInfo } from '../../protocol/snapshot.ts';
import type {
  DeviceStateItem,
  ExportReport,
  ImportRequest,
} from '../../protocol/state-transfer.ts';
import type { CheckpointInfo } from '../../protocol/stored.ts';
import type { WatchedWrites } from '../checkpoint/watched-writes.ts';
import { cprBlockers } from '../cpr/blockers.ts';
import { Cpr } from '../cpr/cpr.ts';
import { listRamBlocks } from '../cpr/ram-blocks.ts';
import type { Restoring } from '../cpr/restore-guest.ts';
import { Migrations, type MigrationTarget } from '../migration/migrations.ts';
import type { Client, HeldInput } from '../pages/page-input.ts';
import { acceptRuntime } from '../runtimes/accept-runtime.ts';
import type { ActiveRuntime } from '../runtimes/hand-over.ts';
import type { ReadyRuntime } from '../runtimes/next-runtime.ts';
import { Snapshots } from '../snapshot/snapshots.ts';
import { runCommand } from './guest-commands.ts';
import { liveRestart } from './live-restart.ts';
import type { OperatedMachine } from './operated-machine.ts';
import { OperationLock } from './operation-lock.ts';
import { postMigration, postResume, postResumeStored } from './post-resume.ts';

/** Largest part of absent memory that a command may read at once. */
const blockingBytes = 256 << 10;

export class MachineOperations implements MachineCalls {
  readonly #machine: OperatedMachine;
  readonly #cpr: Cpr;
  readonly #snapshots: Snapshots;
  readonly #migrations: Migrations;
  readonly #operations = new OperationLock();

  constructor(machine: OperatedMachine) {
    this.#machine = machine;
    this.#cpr = new Cpr(machine);
    this.#snapshots = new Snapshots(machine);
    this.#migrations = new Migrations(machine);
  }

  /** The machine has no guest, and a runtime that can take one. */
  enterIncoming(ready: ReadyRuntime): void {
    this.#cpr.enterIncoming(ready);
  }

  /** Live update. The guest runs on in its present runtime until the other one is ready. */
  async restart(given: RuntimeSource): Promise<RestartReport> {
    const source = acceptRuntime(given);
    return this.#exclusively('A restart', async () => {
      const machine = this.#machine;
      machine.execution.requireLive('restart');
      // Beside the preparation: if everything fails, little is lost.
      machine.durability.requestCheckpoint();
      const { report, from } = await this.#orShowAgain(() => this.#update(source));
      machine.restarts++;
      machine.view.lastPauseMs = report.timings.pauseMs;
      await this.#settle(from, { type: 'restarted', ...report });
      return report;
    });
  }

  /** Brings all memory for a runtime that turns out to need it. */
  async #update(source: RuntimeSource): ReturnType<typeof liveRestart> {
    const machine = this.#machine;
    try {
      return await liveRestart(machine, source);
    } catch (thrown) {
      const { code } = HoldfastError.from(thrown, 'internal', '');
      if (code !== 'memory-unavailable' || machine.memory.isWhole) throw thrown;
      await machine.memory.bringAll();
      return liveRestart(machine, source);
    }
  }

  /**
   * Saves the machine. After mode `reboot` it is frozen, and the caller ends it.
   * @throws HoldfastError; the guest keeps its runstate
   */
  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport> {
    return this.#exclusively('A cprSave', async () => {
      // The next runtime may need it. The guest cannot wait for memory between the two.
      if (options.mode === 'restart') await this.#machine.memory.bringAll();
      const save = () => this.#cpr.save(target, options);
      // Mode `reboot` writes to the same storage.
      return options.mode === 'reboot'
        ? this.#machine.durability.withStorageReleased(save)
        : save();
    });
  }

  /** @throws HoldfastError; the machine stays in `inmigrate` */
  cprLoad(source: CprSource, options: CprLoadOptions): Promise<CprLoadReport> {
    return this.#exclusively('A cprLoad', async () => {
      const machine = this.#machine;
      const load = () => this.#cpr.load(source, options);
      const { report, from, origin } = await this.#orShowAgain(load);
      if (origin) postResumeStored(machine, origin);
      else {
        machine.input.forget();
        machine.terminals.restored();
      }
      if (from) {
        machine.restarts++;
        await this.#settle(from);
      }
      return report;
    });
  }

  async pause({ stopsTime = false }: PauseOptions = {}): Promise<void> {
    const { execution, clock } = this.#machine;
    return this.#afterSwitchover(() => {
      execution.pause();
      if (stopsTime) clock.stop();
    });
  }

  async resume(): Promise<void> {
    const { execution, clock } = this.#machine;
    return this.#afterSwitchover(async () => {
      if (execution.runstate === 'postmigrate') await this.#migrations.holdAgain();
      if (execution.runstate === 'paused' && !execution.isFrozen) clock.resume();
      execution.resume();
    });
  }

  async suspend(): Promise<void> {
    return this.#afterSwitchover(() => this.#machine.execution.suspend());
  }

  async wakeup(): Promise<void> {
    return this.#afterSwitchover(() => this.#machine.execution.wakeup());
  }

  /** Calls at once, or after a switchover: the guest was saved, and what is done to it would be lost. */
  #afterSwitchover<T>(call: () => T | Promise<T>): T | Promise<T> {
    const { switchover } = this.#migrations;
    return switchover ? switchover.then(() => this.#afterSwitchover(call)) : call();
  }

  /** @param client the page that sends it: its keys are released when it closes */
  command(name: string, args: unknown[], client?: Client): unknown {
    const { execution, input } = this.#machine;
    const { switchover } = this.#migrations;
    // The guest was saved: input would be lost.
    if (switchover) return switchover.then(() => this.command(name, args, client));
    if (this.#needsMemory(name, args))
      return this.#machine.memory.bringAll().then(() => this.command(name, args, client));
    if (client) input.precede(client, name);
    const answer = runCommand(execution, name, args);
    if (client) input.note(client, name, args);
    return answer;
  }

  /** Returns true for a command that reads more absent memory than may block the worker. */
  #needsMemory(name: string, args: unknown[]): boolean {
    const { memory } = this.#machine;
    if (memory.isWhole) return false;
    if (name === 'exportV86State') return true;
    const [address, length] = args.map(Number);
    if (name !== 'readMemory' || address === undefined || length === undefined) return false;
    return length > blockingBytes && memory.lacks(address, length);
  }

  async ramBlocks({ digests = false }: { digests?: boolean } = {}): Promise<RamBlockInfo[]> {
    const { execution, backing, memory } = this.#machine;
    await memory.bringAll();
    const moving = execution.runstate === 'running';
    return listRamBlocks(backing, execution.activeRuntime?.instance, { digests, moving });
  }

  async cprBlockers(mode: CprMode): Promise<Blocker[]> {
    const blockers = await cprBlockers(mode, this.#machine);
    const { current } = this.#operations;
    if (current === undefined) return blockers;
    const message = `${current} is under way. Wait for its end.`;
    return [{ code: 'operation-in-flight', message }, ...blockers];
  }

  async checkpoint(): Promise<CheckpointInfo> {
    return this.#machine.durability.checkpoint();
  }

  async exportState(port: MessagePort): Promise<ExportReport> {
    return this.#machine.durability.exportState(port);
  }

  cprCancel(): Promise<void> {
    return this.#exclusively('A cprCancel', async () => this.#cpr.cancel());
  }

  /**
   * Resumes the newest intact state in `store`. For a machine that was started `incoming`.
   * @throws HoldfastError; the machine stays in `inmigrate`
   */
  resumeStored(
    restoring: Restoring,
    identity: { id: string; name: string },
  ): Promise<{ takenAtMs: number; fellBack?: string }> {
    return this.#exclusively('A resume', async () => {
      const machine = this.#machine;
      const origin = await this.#cpr.resumeStored(restoring);
      // A copy still has the names of its original: it resumes as a clone.
      const isClone = machine.id !== identity.id;
      machine.become(identity.id, identity.name);
      postResumeStored(machine, origin, { isClone });
      const { takenAtMs, fellBack } = origin.checkpoint;
      return { takenAtMs, ...(fellBack !== undefined && { fellBack }) };
    });
  }

  /**
   * Resumes a guest that arrives in this machine's memory. For a machine that was started
   * `incoming`.
   * @returns the time at which its state was taken
   * @throws HoldfastError; the machine stays in `inmigrate`
   */
  openState(
    deviceState: Promise<DeviceStateItem>,
    { config, identity }: Pick<ImportRequest, 'config' | 'identity'>,
  ): Promise<number> {
    return this.#exclusively('An opening', async () => {
      const machine = this.#machine;
      const { backing, execution } = machine;
      const { takenAtMs, openedFrom } = await this.#cpr.openState(deviceState);
      const { name, id = machine.id } = config;
      machine.become(id, name);
      if (openedFrom) backing.config = { ...backing.config, openedFrom };
      const isClone = identity === 'clone';
      const openedAtMs = Date.now();
      // A clone is a new machine: its age starts now.
      if (isClone) execution.bootedAtMs = openedAtMs;
      const startSource = { kind: 'opened', takenAtMs, openedAtMs, identity } as const;
      postResume(machine, { startSource, isClone });
      return takenAtMs;
    });
  }

  /** @throws HoldfastError, and the guest continues */
  snapshot(): Promise<SnapshotInfo> {
    return this.#exclusively('A snapshot', async () => {
      await this.#machine.memory.bringAll();
      return this.#snapshots.snapshot();
    });
  }

  /** @throws HoldfastError as {@link Snapshots.restore} */
  restore(id: string): Promise<RestoreReport> {
    return this.#exclusively('A restore', async () => {
      const machine = this.#machine;
      const { durability, consoles, view, input, terminals } = machine;
      // Checkpoint data about the guest is no longer valid.
      const report = await durability.withStorageReleased(() => this.#snapshots.restore(id));
      input.forget();
      terminals.restored();
      consoles.flush();
      machine.pagesChanged();
      view.describe();
      view.emit({ type: 'snapshot-restored', id });
      return report;
    });
  }

  /**
   * Sends the guest to another keeper. The caller ends this machine.
   * @throws HoldfastError as {@link OutgoingMigration.run}
   */
  migrate(to: MigrationTarget, options: MigrateOptions): Promise<MigrateReport> {
    return this.#exclusively('A migration', async () => {
      await this.#machine.memory.bringAll();
      return this.#migrations.run(to, options);
    });
  }

  /**
   * Resumes a guest that another keeper sends into this machine's memory. For a machine that was
   * started `incoming`.
   * @throws HoldfastError; the machine stays in `inmigrate`
   */
  arrive(
    deviceState: Promise<DeviceStateItem>,
    rules: {
      gapMs(): number;
      mayRun(): Promise<void>;
      runs(): void;
      held(): readonly HeldInput[];
    },
  ): Promise<void> {
    return this.#exclusively('A migration', async () => {
      const { id = this.#machine.id, name } = this.#machine.backing.config;
      await this.#cpr.openState(deviceState, rules);
      // The device state has others, which were not checked.
      this.#machine.become(id, name);
      try {
        postMigration(this.#machine, rules.held());
      } catch (thrown) {
        // The source was promised that the guest runs here.
        console.warn('A guest that arrived runs, but not all pages show it:', thrown);
      }
    });
  }

  async migrateCancel(): Promise<void> {
    this.#migrations.cancel();
  }

  async migrateContinue(): Promise<void> {
    this.#migrations.continue();
  }

  async migrationInfo(): Promise<MigrationInfo> {
    return this.#migrations.info;
  }

  async migrateSetParameters(parameters: MigrateOptions): Promise<void> {
    this.#migrations.setParameters(parameters);
  }

  async dropSnapshot(id: string): Promise<void> {
    this.#snapshots.drop(id);
  }

  async snapshots(): Promise<SnapshotInfo[]> {
    return this.#snapshots.list();
  }

  watchedWrites(writes: WriteTracking | undefined): WatchedWrites | undefined {
    return this.#snapshots.watch(writes);
  }

  async #exclusively<T>(operation: string, action: () => Promise<T>): Promise<T> {
    // An abandoned preparation still owns the scratch memory.
    if (this.#operations.current === undefined) this.#machine.next.requireIdle();
    return this.#operations.run(operation, action);
  }

  /** Sends the screen again after a failure: the other runtime may have drawn on the pages. */
  async #orShowAgain<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (thrown) {
      const { execution, view } = this.#machine;
      if (execution.activeRuntime) view.describe();
      throw thrown;
    }
  }

  /** Does, after a hand-over, everything that can wait until the guest has run. */
  async #settle(from: ActiveRuntime, event?: MachineEvent): Promise<void> {
    // The guest's first slice in the new runtime goes before all remaining work.
    await new Promise((resolve) => setTimeout(resolve));
    try {
      from.instance.destroy();
    } catch (thrown) {
      console.warn('The old runtime could not be ended:', thrown);
    }
    const machine = this.#machine;
    if (!machine.execution.activeRuntime) return;
    machine.pagesChanged();
    if (event) machine.view.emit(event);
    machine.view.describe();
  }

  end(): void {
    this.#cpr.end();
  }
}
