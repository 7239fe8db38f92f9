import type { HoldfastError } from '../errors.ts';
import type { TakenEvents } from '../protocol/event-bytes.ts';
import type { MachineEvent, MachineStatus } from '../protocol/events.ts';
import type { KeeperInfo } from '../protocol/keeper-api.ts';
import { type CallName, changesStatus } from '../protocol/keeper-calls.ts';
import { callsOf, type RemoteKeeper } from '../protocol/rpc.ts';
import { EventStream } from './event-stream.ts';
import { EventsTaken } from './events-taken.ts';
import { type IterableStream, iterable } from './iterable-stream.ts';
import type { KeeperConnection } from './keeper-connection.ts';
import type { MachineEventOf } from './machine-core.ts';
import { RemoteStorage } from './remote-storage.ts';
import { type SoundChunk, SoundFeed } from './sound.ts';
import type { OpeningRules } from './state-files.ts';
import type { Machine, WatchListener } from './types.ts';
import { type Watch, watchMachine } from './watch.ts';
import { RemoteCalls } from './wrapped-calls.ts';

/** A machine in a keeper, over a connection. Made by `connect`. */
export class RemoteMachine extends RemoteCalls implements Machine {
  readonly keeper: KeeperInfo;
  readonly #connection: KeeperConnection;
  /** The keeper's calls, each of which ends when {@link status} shows what it did. */
  readonly #calls: RemoteKeeper = callsOf((name, args) => this.#call(name, args));
  readonly #leave: () => void;
  readonly #events: EventStream;
  readonly storage: RemoteStorage;
  readonly #sound: SoundFeed;
  #status: MachineStatus | null;
  #watch: Watch | null = null;

  /**
   * @param events port that they arrive at, and this page's id
   * @param leave called once, by {@link close}: notifies the keeper that this page is gone
   * @param options of the program that attaches
   */
  constructor(
    keeper: KeeperInfo,
    connection: KeeperConnection,
    events: { pageId: string; port: MessagePort },
    leave: () => void,
    rules: OpeningRules = {},
  ) {
    super(rules);
    this.keeper = keeper;
    this.#connection = connection;
    this.storage = new RemoteStorage(this.#calls);
    this.#sound = new SoundFeed(this, (frames) => connection.keeper.listen(events.pageId, frames));
    this.#leave = leave;
    const report = (taken: TakenEvents) => {
      if (this.#watch) this.#watch.took(taken);
      // A keeper of an earlier release sends everything.
      else connection.keeper.took(events.pageId, taken).catch(() => {});
    };
    const taken = new EventsTaken(report);
    this.#events = new EventStream(this.log, (event) => taken.add(event));
    report({});
    this.#status = keeper.machine && readStatus(keeper.machine);
    events.port.onmessage = ({ data }: MessageEvent<MachineEvent>) => {
      // The keeper has started a machine itself.
      if (data.type === 'status') this.unwatch();
      this.#push(data);
    };
  }

  override answering(): RemoteKeeper {
    return this.#calls;
  }

  async #call(name: CallName, args: unknown[]): Promise<unknown> {
    const answer = await this.#connection.call(name, args);
    if (changesStatus(name)) await this.#refresh();
    return answer;
  }

  #push(event: MachineEvent): void {
    if (event.type === 'status') {
      event.status = readStatus(event.status);
      this.#adopt(event.status);
    }
    if (event.type === 'console')
      this.log.push(event.console, event.offset, event.bytes, event.again);
    if (event.type === 'snapshot-restored') this.snapshotRestored(event.id);
    this.#events.push(event);
  }

  get survivesReload(): boolean {
    return this.keeper.survivesPages;
  }

  get status(): MachineStatus | null {
    return this.#status;
  }

  on<T extends MachineEvent['type']>(
    type: T,
    listener: (event: MachineEventOf<T>) => unknown,
  ): () => void {
    return this.#events.on(type, listener);
  }

  sound(): IterableStream<SoundChunk> {
    return iterable(this.#sound.stream());
  }

  onLost(listener: (error: HoldfastError) => void): () => void {
    return this.#connection.onLost(listener);
  }

  async reset(): Promise<void> {
    await this.command('reset');
    await this.#refresh();
  }

  get watching(): string | null {
    return this.#watch?.machineId ?? null;
  }

  async watch(id: string, { began, gone }: WatchListener): Promise<void> {
    this.unwatch();
    this.#watch = await watchMachine(id, {
      began: () => {
        // Each keeper counts its statuses for itself.
        this.#status = null;
        began();
      },
      event: (event) => this.#push(event),
      gone,
    });
  }

  unwatch(): void {
    if (!this.#watch) return;
    this.#watch.close();
    this.#watch = null;
    this.#status = null;
  }

  close(): void {
    this.unwatch();
    this.#connection.close();
    this.#leave();
  }

  /** Replies and events travel separately: after a call the status must show its effect. */
  async #refresh(): Promise<void> {
    const { machine } = await this.#connection.keeper.info();
    if (machine) this.#adopt(machine);
    else if (this.#status) this.#status = { ...this.#status, runstate: 'shutdown', mips: 0 };
  }

  #adopt(status: MachineStatus): void {
    if ((status.revision ?? 0) >= (this.#status?.revision ?? 0)) this.#status = status;
  }
}

/** Keepers of the first release send `arrival`. */
function readStatus({ arrival, ...status }: MachineStatus): MachineStatus {
  const startSource = status.startSource ?? arrival;
  return startSource ? { ...status, startSource } : status;
}
