/**
 * Calls of the keeper whose arguments differ in a page and on the wire. A page passes relative URLs, streams
 * and objects. The wire takes absolute URLs, ports and ids. Declare and implement a new one here.
 */
import { HoldfastError } from '../errors.ts';
import type { MachineConfig } from '../protocol/config.ts';
import type { CprSource, CprTarget } from '../protocol/cpr.ts';
import type {
  CprLoadOptions,
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  RestartReport,
} from '../protocol/keeper-api.ts';
import type { PublicCalls } from '../protocol/keeper-calls.ts';
import type { MigrateIncomingReport, MigrateReport } from '../protocol/migration.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { RestoreReport, SnapshotInfo } from '../protocol/snapshot.ts';
import type { ImportReport } from '../protocol/state-transfer.ts';
import type { ResumeReport, ResumeRequest, StoredMachineInfo } from '../protocol/stored.ts';
import type { StateFile } from '../state-file/state-file.ts';
import type { ExportStateOptions, StateSource } from '../state-file/types.ts';
import { readV86State } from '../state-file/v86-state.ts';
import { absoluteConfig, absoluteRuntime, absoluteRuntimes } from './absolute-urls.ts';
import type { HostSocket } from './hosts/host-socket.ts';
import { type IterableStream, iterable } from './iterable-stream.ts';
import {
  type MigrateCallOptions,
  type MigrateIncomingOptions,
  type MigrationTarget,
  migrate,
  migrateIncoming,
} from './moves.ts';
import { RemoteGuest } from './remote-guest.ts';
import type { OpenStateOptions, StartOptions } from './start-options.ts';
import { exportState, type OpeningRules, openState } from './state-files.ts';

export interface WrappedCalls {
  start(config: MachineConfig, runtime: RuntimeSource, options?: StartOptions): Promise<void>;
  /** Updates a running guest: moves it to another runtime, in place. */
  restart(options: { runtime: RuntimeSource }): Promise<RestartReport>;
  /**
   * Stops the guest and writes its device state to `target`.
   *
   * Mode `restart`: the other runtime then holds the guest, its RAM untouched, in `inmigrate` until
   * {@link cprLoad} or {@link PublicCalls.cprCancel}. Mode `reboot`: the rest of the guest is in storage, and
   * the machine is ended.
   *
   * If it fails, the machine returns to its previous run state, and the target keeps its old
   * contents.
   */
  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport>;
  /**
   * Loads a state that {@link cprSave} wrote, into a machine in `inmigrate` or, after mode
   * `reboot`, without a machine. A guest that ran runs, one that was paused is paused, and one that
   * was suspended waits for a wakeup. If it fails, the machine remains in `inmigrate`.
   */
  cprLoad(source: CprSource, options?: CprLoadOptions): Promise<CprLoadReport>;
  /**
   * Sets the size of the terminal that shows this console. The guest's agent passes it to programs in
   * the guest. The keeper sends it again whenever the guest reboots. Without an agent it has no effect.
   */
  terminalSize(name: string, size: { cols: number; rows: number }): Promise<void>;
  /**
   * Resumes a machine in storage from its newest intact checkpoint. Rejects with `not-found`,
   * `storage-damaged`, `taken-over` if it runs elsewhere, or `file-needed` without the files that
   * {@link StoredMachineInfo.needs} lists.
   */
  resumeStored(id: string, options: Omit<ResumeRequest, 'id'>): Promise<ResumeReport>;
  /**
   * Restores a snapshot with its run state. Guest time continues from there. To restore one snapshot
   * again costs only what changed since. Rejects with `not-found`, or `bad-runstate` for a guest that
   * crashed.
   */
  restore(snapshot: Pick<SnapshotInfo, 'id'>): Promise<RestoreReport>;
  /** Frees the memory of a snapshot. */
  dropSnapshot(snapshot: Pick<SnapshotInfo, 'id'>): Promise<void>;
  /**
   * Streams the machine as a state file while it runs. The file is one consistent cut, at the
   * moment of the call or a little later. Cancelling the stream aborts the export.
   */
  exportState(options?: ExportStateOptions): IterableStream<Uint8Array>;
  /**
   * Creates a machine from a state file. The current one runs until the new one runs, and keeps
   * running if this fails. Rejects with `bad-state-file`, `state-unavailable`, `wrong-base`,
   * `not-approved`, or the errors of {@link start}.
   */
  openState(source: StateSource | StateFile, options: OpenStateOptions): Promise<ImportReport>;
  /**
   * Moves the running guest to another keeper. The target is a machine without a guest, or the other
   * end of a port of {@link migrateIncoming}. It may also be a connection to another host. A
   * `BroadcastChannel` leads to another tab, if no third one has its name. The guest stands still for some ten milliseconds. It then
   * runs there, and the machine here has ended with the reason `migrated`.
   *
   * Rejects with `migration-refused`, `migration-failed`, or `cancelled` by
   * {@link PublicCalls.migrateCancel}; the guest runs on here. With `migration-unconfirmed` it waits here, in
   * `postmigrate`: the destination may run the guest and does not answer.
   */
  migrate(
    target: MessagePort | BroadcastChannel | HostSocket | MigrationTarget,
    options?: MigrateCallOptions,
  ): Promise<MigrateReport>;
  /**
   * Takes the guest that {@link migrate} sends to the other end of a port or connection. Resolves once it
   * runs here. If it fails, nothing of it stays.
   *
   * A guest from a connection is treated as an opened state file: its configuration is checked, `approve` is
   * called, it is not durable, and it counts as foreign. It keeps its id, but has no part in what is stored
   * here under that. Rejects with `migration-refused` or `not-approved` before memory is sent.
   */
  migrateIncoming(
    from: MessagePort | BroadcastChannel | HostSocket,
    options?: MigrateIncomingOptions,
  ): Promise<MigrateIncomingReport>;
  /**
   * Starts a machine with a state from v86's `save_state`, plain or compressed with zstd. Rejects with
   * `wrong-v86-state` if `config` differs from the machine of the state. The error names the differences,
   * and the current machine keeps running.
   */
  openV86State(
    state: Blob | Uint8Array,
    config: MachineConfig,
    runtime: RuntimeSource,
    options?: Pick<StartOptions, 'replace'>,
  ): Promise<void>;
}

export abstract class RemoteCalls extends RemoteGuest implements WrappedCalls {
  readonly #rules: OpeningRules;
  /** Dispatches an event for each restore; its type is the snapshot's id. */
  readonly #restored = new EventTarget();

  constructor(rules: OpeningRules) {
    super();
    this.#rules = rules;
  }

  /** The keeper's event of a restore has arrived. */
  protected snapshotRestored(id: string): void {
    this.#restored.dispatchEvent(new Event(id));
  }

  async start(
    config: MachineConfig,
    runtime: RuntimeSource,
    { replace = false, incoming = false }: StartOptions = {},
  ): Promise<void> {
    await this.answering().start({
      config: absoluteConfig(config),
      runtime: absoluteRuntime(runtime),
      replace,
      ...(incoming && { incoming }),
    });
  }

  async restart({ runtime }: { runtime: RuntimeSource }): Promise<RestartReport> {
    return this.answering().restart(absoluteRuntime(runtime));
  }

  async terminalSize(name: string, { cols, rows }: { cols: number; rows: number }): Promise<void> {
    try {
      await this.answering().terminalSize(name, cols, rows);
    } catch (thrown) {
      // An older keeper has no such call: its guest keeps its terminal size.
      if (HoldfastError.from(thrown, 'internal', '').code !== 'keeper-incompatible') throw thrown;
    }
  }

  async cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport> {
    const { mode, runtime } = options;
    return this.answering().cprSave(target, {
      mode,
      ...(runtime && { runtime: absoluteRuntime(runtime) }),
    });
  }

  async cprLoad(
    source: CprSource,
    { runtime, runtimes = this.#rules.runtimes, replace = false }: CprLoadOptions = {},
  ): Promise<CprLoadReport> {
    const options = {
      ...(runtimes && { runtimes: absoluteRuntimes(runtimes) }),
      ...(runtime && { runtime: absoluteRuntime(runtime) }),
      ...(replace && { replace }),
    };
    return this.answering().cprLoad(source, options);
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
    return this.answering().resumeStored(request);
  }

  async restore({ id }: Pick<SnapshotInfo, 'id'>): Promise<RestoreReport> {
    // Replies and events travel separately: this waits until the log has the output from before the
    // restore.
    const told = new Promise((resolve) => {
      this.#restored.addEventListener(id, resolve, { once: true });
    });
    const report = await this.answering().restore(id);
    await told;
    return report;
  }

  async openV86State(
    state: Blob | Uint8Array,
    config: MachineConfig,
    runtime: RuntimeSource,
    { replace = false }: Pick<StartOptions, 'replace'> = {},
  ): Promise<void> {
    await this.answering().start({
      config: absoluteConfig(config),
      runtime: absoluteRuntime(runtime),
      replace,
      v86State: await readV86State(state),
    });
  }

  exportState(options: ExportStateOptions = {}): IterableStream<Uint8Array> {
    return iterable(exportState((port) => this.answering().exportState(port), options));
  }

  async openState(
    source: StateSource | StateFile,
    options: OpenStateOptions,
  ): Promise<ImportReport> {
    const runtime = absoluteRuntime(options.runtime);
    const given = { ...options, runtime };
    return openState(this.answering(), source, given, this.#rules.requirePublic);
  }

  async migrate(
    target: MessagePort | BroadcastChannel | HostSocket | MigrationTarget,
    options: MigrateCallOptions = {},
  ): Promise<MigrateReport> {
    return migrate(this.answering(), target, options);
  }

  async migrateIncoming(
    from: MessagePort | BroadcastChannel | HostSocket,
    options: MigrateIncomingOptions = {},
  ): Promise<MigrateIncomingReport> {
    return migrateIncoming(this.answering(), from, options, this.#rules);
  }

  dropSnapshot({ id }: Pick<SnapshotInfo, 'id'>): Promise<void> {
    return this.answering().dropSnapshot(id);
  }
}
