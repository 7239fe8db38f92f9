/** This page's connection to the guest, across reconnects, and what it is doing with it. */
import type { RuntimeBuild } from 'virtual:holdfast-build';
import { collectBlob } from '../client/collect-blob.ts';
import type { ConnectOptions, Machine, OpenStateOptions, WatchListener } from '../client/types.ts';
import { CprError } from '../errors.ts';
import { connect, type StateFile } from '../index.ts';
import type { DriveName, MachineConfig, RemovableDriveName } from '../protocol/config.ts';
import type { CprSource, CprTarget } from '../protocol/cpr.ts';
import type { MachineStatus } from '../protocol/events.ts';
import type {
  CprLoadReport,
  CprSaveOptions,
  CprSaveReport,
  RestartReport,
} from '../protocol/keeper-api.ts';
import type { ImportReport } from '../protocol/state-transfer.ts';
import type {
  ExportRequest,
  ResumeReport,
  ResumeRequest,
  StoredMachineInfo,
} from '../protocol/stored.ts';
import type { Operation } from './operation.ts';
import { takeEarlyKeeper } from './start/early-keeper.ts';
import { download } from './ui/files.ts';
import { runtimeSource } from './ui/runtime-source.ts';

/** How this page came to its guest. */
export type Found = 'attached' | 'booted' | 'resumed' | 'opened' | 'watching';

type Failed = (error: CprError, operation: Operation) => void;

export class Session {
  #machine: Machine | null = null;
  #busy: Operation | null = null;
  #found: Found | null = null;
  /** Why there is no connection any more. */
  #lost: CprError | undefined;
  #isSavedAway = false;
  #connectOptions: ConnectOptions & { machineId: string };
  readonly #machineListeners: ((machine: Machine) => void)[] = [];
  readonly #changeListeners: (() => void)[] = [];
  readonly #failureListeners: Failed[] = [];

  /** @param connectOptions with the id of the page's machine */
  constructor(connectOptions: ConnectOptions & { machineId: string }) {
    this.#connectOptions = connectOptions;
  }

  /** The machine of this page, whether it is there or not. */
  get machineId(): string {
    return this.#connectOptions.machineId;
  }

  get machine(): Machine | null {
    return this.#machine;
  }

  get status(): MachineStatus | null {
    return this.#machine?.status ?? null;
  }

  /** The operation of this page that is under way. */
  get busy(): Operation | null {
    return this.#busy;
  }

  get found(): Found | null {
    return this.#found;
  }

  /** This page has saved the guest and shut it down, and has not loaded or started one since. */
  get isSavedAway(): boolean {
    return this.#isSavedAway;
  }

  /** The guest runs in another tab: this page shows it, and can do nothing to it. */
  get isWatching(): boolean {
    return this.#machine?.watching != null;
  }

  /** Called with every machine that this page connects to, before its guest is looked at. */
  onMachine(listener: (machine: Machine) => void): void {
    this.#machineListeners.push(listener);
  }

  /** Called when anything that the getters tell has changed. */
  onChange(listener: () => void): void {
    this.#changeListeners.push(listener);
  }

  /** Failures of what nobody waits for: input, and the connection itself. */
  onFailure(listener: Failed): void {
    this.#failureListeners.push(listener);
  }

  /** Connects, or connects again. */
  connect(): Promise<void> {
    return this.run('connect', async () => {
      this.#machine?.close();
      this.#machine = null;
      this.#lost = undefined;
      this.#found = null;
      const worker = takeEarlyKeeper();
      this.#use(await connect({ ...this.#connectOptions, ...(worker && { worker }) }));
    });
  }

  /** A connection to the keeper of another machine, beside the present one. */
  connectTo(machineId: string): Promise<Machine> {
    return connect({ ...this.#connectOptions, machineId });
  }

  /**
   * From now on this page shows another machine, which was just started over {@link connectTo}. The
   * one of before goes on where it is; where its worker ends with this page, it is saved first.
   */
  moveTo(machine: Machine, machineId: string): Promise<void> {
    return this.run('connect', async () => {
      const before = this.#machine;
      if (before?.survivesReload === false && before.status?.config.durable)
        await before.checkpoint().catch(() => {});
      before?.close();
      this.#lost = undefined;
      this.#connectOptions = { ...this.#connectOptions, machineId };
      this.#isSavedAway = false;
      this.#use(machine);
      this.#found = 'booted';
    });
  }

  #use(machine: Machine): void {
    this.#machine = machine;
    machine.onLost((error) => {
      if (this.#machine !== machine) return;
      this.#machine = null;
      this.#lost = error;
      this.#found = null;
      this.changed();
      this.#fail(error, 'run');
    });
    for (const listener of this.#machineListeners) listener(machine);
    machine.on('status', () => {
      // Another page has brought what was watched to this page's keeper.
      if (this.#found === 'watching' && !this.isWatching && !this.#busy) this.#found = 'attached';
      this.changed();
    });
    machine.on('error', ({ code, message }) => this.#fail(new CprError(code, message), 'run'));
  }

  /** Says how the guest came to be there before this page asked for it. */
  attached(found: Found): void {
    this.#found = found;
    this.changed();
  }

  /** Resolves as soon as there is a guest. @returns whether one came within `timeoutMs` */
  anyStatus(timeoutMs: number): Promise<boolean> {
    if (this.status) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (came: boolean) => {
        stop?.();
        clearTimeout(timer);
        resolve(came);
      };
      const timer = setTimeout(() => settle(false), timeoutMs);
      const stop = this.#machine?.on('status', () => settle(true));
    });
  }

  /** Boots a guest in place of any other. */
  start(config: MachineConfig, runtime: RuntimeBuild, replace: boolean): Promise<void> {
    return this.run('start', async (machine) => {
      await machine.start(config, runtimeSource(runtime), { replace });
      this.#found = 'booted';
      this.#isSavedAway = false;
    });
  }

  /** Starts with a guest from a state file of this site, in place of booting it. */
  openPromptState(
    url: string,
    config: OpenStateOptions['config'],
    runtime: RuntimeBuild,
  ): Promise<void> {
    return this.run('start', async (machine) => {
      machine.unwatch();
      await machine.openState(url, {
        runtime: runtimeSource(runtime),
        config: { foreign: false, ...config },
      });
      this.#found = 'booted';
      this.#isSavedAway = false;
    });
  }

  /** @throws CprError `storage-unavailable`, or `keeper-incompatible` from an early keeper */
  async storedMachines(): Promise<StoredMachineInfo[]> {
    return (await this.#machine?.shelf.list()) ?? [];
  }

  /** Resolves with the copy's id. */
  async duplicate(id: string, name: string): Promise<string> {
    if (!this.#machine) throw this.#notConnected();
    return this.#machine.shelf.duplicate(id, name);
  }

  /** Shows a machine that runs in another tab. */
  watch(id: string, listener: WatchListener): Promise<void> {
    return this.run('watch', async (machine) => {
      await machine.watch(id, listener);
      this.#found = 'watching';
    });
  }

  /** Saves a file of what is stored of a machine. Resolves with what is missing in it. */
  async export(id: string, request: ExportRequest): Promise<readonly string[]> {
    if (!this.#machine) throw this.#notConnected();
    const { name, blob, missing } = await this.#machine.shelf.export(id, request);
    download(name, blob);
    return missing;
  }

  /** Saves a state file of what is stored of a machine. Resolves with nothing missing. */
  async exportState(id: string, name: string): Promise<readonly string[]> {
    if (!this.#machine) throw this.#notConnected();
    const blob = await collectBlob(this.#machine.shelf.exportState(id));
    download(`${name.replaceAll(/[^\w.() -]+/g, '_')}.vmstate`, blob);
    return [];
  }

  /** Resumes a machine in storage. */
  resumeStored(
    id: string,
    runtime: RuntimeBuild,
    { takeOver = false, replace = false, files = {} }: Omit<ResumeRequest, 'id' | 'runtime'> = {},
  ): Promise<ResumeReport> {
    return this.run('resume-stored', async (machine) => {
      machine.unwatch();
      const options = { runtime: runtimeSource(runtime), takeOver, replace, files };
      const report = await machine.resumeStored(id, options);
      this.#found = 'resumed';
      return report;
    });
  }

  /** Makes a guest of a state, in place of any other. */
  openState(file: StateFile, options: OpenStateOptions): Promise<ImportReport> {
    return this.run('open-state', async (machine) => {
      const report = await machine.openState(file, options);
      this.#found = 'opened';
      this.#isSavedAway = false;
      return report;
    });
  }

  liveUpdate(runtime: RuntimeBuild): Promise<RestartReport> {
    return this.run('live-update', (machine) =>
      machine.restart({ runtime: runtimeSource(runtime) }),
    );
  }

  /** Checkpoints take themselves: this one does not keep the page from anything else. */
  async checkpoint(): Promise<void> {
    await this.#machine?.checkpoint();
  }

  /** Throws away what the guest wrote to these disks, and boots it from what they were at first. */
  resetDisks(devices: readonly DriveName[]): Promise<void> {
    return this.run('reset', async (machine) => {
      const wasRunning = machine.status?.runstate === 'running';
      if (wasRunning) await machine.pause();
      try {
        for (const device of devices) await machine.resetDisk(device);
        await machine.reset();
      } finally {
        if (wasRunning) await machine.resume();
      }
    });
  }

  /** Puts a file into a drive while the guest runs; it is read when the guest reads it. */
  changeMedia(device: RemovableDriveName, file: File): Promise<void> {
    return this.run('change-medium', (machine) => machine.changeMedia(device, { file }));
  }

  cprSave(target: CprTarget, options: CprSaveOptions): Promise<CprSaveReport> {
    return this.run('save-state', async (machine) => {
      const report = await machine.cprSave(target, options);
      this.#isSavedAway = report.mode === 'reboot';
      return report;
    });
  }

  /** @param replace throws away the guest that is there, once the other one is */
  cprLoad(source: CprSource, { replace = false } = {}): Promise<CprLoadReport> {
    return this.run('load-state', async (machine) => {
      const report = await machine.cprLoad(source, { replace });
      this.#isSavedAway = false;
      return report;
    });
  }

  /** Input for the guest. A guest that cannot take any now, takes none. */
  send(call: (machine: Machine) => Promise<void>): void {
    if (!this.#machine) return;
    call(this.#machine).catch((thrown: unknown) => {
      const error = CprError.from(thrown, 'internal', 'Input did not reach the guest');
      const expected: CprError['code'][] = ['no-machine', 'bad-runstate', 'busy'];
      // A lost connection is told once, by onLost.
      const toldElsewhere: CprError['code'][] = ['keeper-gone', 'keeper-silent'];
      if (![...expected, ...toldElsewhere].includes(error.code)) this.#fail(error, 'input');
    });
  }

  /**
   * Does one thing at a time to the machine. Connecting needs no machine; everything else does.
   * @throws CprError `busy` while this page does something else
   */
  async run<T>(operation: Operation, work: (machine: Machine) => Promise<T>): Promise<T> {
    const machine = this.#machine;
    if (!machine && operation !== 'connect') throw this.#notConnected();
    if (this.#busy) throw new CprError('busy', `This page is busy: ${this.#busy}.`);
    this.#busy = operation;
    this.changed();
    try {
      return await work(machine as Machine);
    } finally {
      this.#busy = null;
      this.changed();
    }
  }

  #notConnected(): CprError {
    return this.#lost ?? new CprError('keeper-gone', 'This page is not connected to a keeper.');
  }

  #fail(error: CprError, operation: Operation): void {
    for (const listener of this.#failureListeners) listener(error, operation);
  }

  /** Tells whoever shows the guest that something about it is to be shown anew. */
  changed(): void {
    for (const listener of this.#changeListeners) listener();
  }
}
