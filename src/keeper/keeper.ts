import { CprError } from '../errors.ts';
import { abiVersion, type RamBlock } from '../protocol/abi.ts';
import type {
  KeeperApi,
  KeeperInfo,
  RestartReport,
  RuntimeSource,
  StartRequest,
} from '../protocol/keeper-api.ts';
import { MachineHost } from './machine-host.ts';
import { Pages } from './pages.ts';
import { RuntimeLoader } from './runtime-loader.ts';

export type KeeperIdentity = Omit<KeeperInfo, 'abiVersion' | 'machine'>;

/** What pages talk to. One machine for now; a second one would be a second {@link MachineHost}. */
export class Keeper implements KeeperApi {
  readonly #identity: KeeperIdentity;
  readonly #loader: RuntimeLoader;
  readonly #pages = new Pages((count) => this.#pagesChanged(count));
  #machine: MachineHost | undefined;
  /** Set while a machine is being built; aborting it gives that up. */
  #starting: AbortController | undefined;

  constructor(identity: KeeperIdentity, loader = new RuntimeLoader()) {
    this.#identity = identity;
    this.#loader = loader;
  }

  info(): KeeperInfo {
    return { ...this.#identity, abiVersion, machine: this.#machine?.status() ?? null };
  }

  ping(): number {
    return Date.now();
  }

  // Without an await from the greeting on: no event falls between it and the live ones.
  async attach(port: MessagePort, pageLock: string): Promise<KeeperInfo> {
    this.#pages.add(port, pageLock, this.#machine?.greeting() ?? []);
    return this.info();
  }

  /** The machine that is there stays untouched until the new one runs. */
  async start(request: StartRequest): Promise<void> {
    if (this.#starting) {
      throw new CprError('busy', 'A machine is being started: wait for it, or destroy it.');
    }
    if (this.#machine && !request.replace) {
      throw new CprError(
        'bad-runstate',
        'There is a machine already: destroy it first, or start with "replace".',
      );
    }
    const starting = new AbortController();
    this.#starting = starting;
    try {
      const started = await MachineHost.start(request, this.#pages, this.#loader, starting.signal);
      this.#machine?.end({ replaced: true });
      this.#machine = started;
      started.show();
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

  ramBlocks(): RamBlock[] {
    return this.#present.blocks;
  }

  command(name: string, args: unknown[]): unknown {
    return this.#present.command(name, args);
  }

  get #present(): MachineHost {
    if (!this.#machine) throw noMachine();
    return this.#machine;
  }

  #pagesChanged(count: number): void {
    this.#machine?.setWatched(count > 0);
    this.#machine?.sendStatus();
  }
}

function noMachine(): CprError {
  return new CprError('no-machine', 'There is no machine: start one first.');
}
