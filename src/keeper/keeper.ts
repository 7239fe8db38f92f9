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
import { keeperMethods } from '../protocol/rpc.ts';
import { incomingRequest } from './cpr/incoming-request.ts';
import type { AroundStep } from './cpr/steps.ts';
import type { OpenStore } from './cpr/targets.ts';
import { type MachineEnvironment, MachineHost } from './machine-host.ts';
import { Pages } from './pages.ts';
import { RuntimeLoader } from './runtime-loader.ts';
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

/** What pages talk to. One machine for now; a second one would be a second {@link MachineHost}. */
export class Keeper implements KeeperApi {
  readonly #identity: KeeperIdentity;
  readonly #environment: MachineEnvironment;
  readonly #pages = new Pages(() => this.#pagesChanged());
  #machine: MachineHost | undefined;
  /** Set while a machine is being built; aborting it gives that up. */
  #starting: AbortController | undefined;

  constructor(identity: KeeperIdentity, options: KeeperOptions = {}) {
    this.#identity = identity;
    const { loader = new RuntimeLoader(), openStore, around } = options;
    this.#environment = { pages: this.#pages, loader, openStore, around };
  }

  info(): KeeperInfo {
    const machine = this.#machine?.status() ?? null;
    return { ...this.#identity, abiVersion, methods: keeperMethods, machine };
  }

  ping(): number {
    return Date.now();
  }

  // Without an await from the greeting on: no event falls between it and the live ones.
  async attach(port: MessagePort, pageLock: string, pageId = ''): Promise<KeeperInfo> {
    this.#pages.add(port, pageLock, pageId, this.#machine?.greeting() ?? []);
    return this.info();
  }

  /** The machine that is there stays untouched until the new one runs. */
  async start(request: StartRequest): Promise<void> {
    if (this.#machine && !request.replace) {
      throw new CprError(
        'bad-runstate',
        'There is a machine already: destroy it first, or start with "replace".',
      );
    }
    await this.#startOne(async (signal) => ({
      machine: await MachineHost.start(request, this.#environment, signal),
      result: undefined,
    }));
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
      this.#machine = machine;
      machine.show();
      return result;
    } finally {
      this.#starting = undefined;
    }
  }

  async restart(runtime: RuntimeSource): Promise<RestartReport> {
    return this.#present.restart(runtime);
  }

  async pause(): Promise<void> {
    this.#present.pause();
  }

  async resume(): Promise<void> {
    this.#present.resume();
  }

  async destroy(): Promise<void> {
    if (!this.#machine && !this.#starting) throw noMachine();
    this.#starting?.abort(
      new CprError('no-machine', 'The machine was destroyed while it was being started.'),
    );
    const machine = this.#machine;
    this.#machine = undefined;
    machine?.end();
  }

  async suspend(): Promise<void> {
    this.#present.suspend();
  }

  async wakeup(): Promise<void> {
    this.#present.wakeup();
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
    const report = await machine.cprSave(target, options);
    if (report.mode === 'reboot') {
      // Whoever destroyed or replaced it meanwhile has ended it.
      if (this.#machine === machine) this.#machine = undefined;
      machine.end();
    }
    return report;
  }

  /** Without a machine one is made as the state says. */
  async cprLoad(source: CprSource, options: CprLoadOptions = {}): Promise<CprLoadReport> {
    if (this.#machine) return this.#machine.cprLoad(source, options);
    return this.#startOne(async (signal) => {
      const { bytes, request } = await incomingRequest(
        source,
        options,
        this.#environment.openStore,
      );
      const machine = await MachineHost.start(request, this.#environment, signal);
      try {
        const report = await untilAborted(
          machine.cprLoad({ kind: 'bytes', bytes }, options),
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
    return this.#present.cprCancel();
  }

  command(name: string, args: unknown[]): unknown {
    return this.#present.command(name, args);
  }

  get #present(): MachineHost {
    if (!this.#machine) throw noMachine();
    return this.#machine;
  }

  #pagesChanged(): void {
    this.#machine?.pagesChanged();
    this.#machine?.sendStatus();
  }
}

function noMachine(): CprError {
  return new CprError('no-machine', 'There is no machine: start one first.');
}
