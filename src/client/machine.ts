import type { HoldfastError } from '../errors.ts';
import type { TakenEvents } from '../protocol/event-bytes.ts';
import type { MachineEvent, MachineStatus } from '../protocol/events.ts';
import type { KeeperInfo } from '../protocol/keeper-api.ts';
import { type CallName, changesStatus } from '../protocol/keeper-calls.ts';
import type { KeeperAddress } from '../protocol/keeper-lookup.ts';
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
import type { UpgradeOptions, UpgradeReport } from './upgrade-keeper.ts';
import { type Watch, watchMachine } from './watch.ts';
import { RemoteCalls } from './wrapped-calls.ts';

/** The page's attachment to the keeper. */
interface MachineAttachment {
  /** Port of the first keeper's events, and this page's id. */
  events: { pageId: string; port: MessagePort };
  /** Called once: notifies the keeper that this page is gone. */
  leave(): void;
  /** Called when the guest has moved to this keeper. {@link RemoteMachine.arrive} follows. */
  moved(to: KeeperAddress): void;
  upgrade(options: UpgradeOptions): Promise<UpgradeReport | null>;
  /** Rules of the program that attaches. */
  rules?: OpeningRules;
}

/** A machine in a keeper, over a connection. Made by `connect`. */
export class RemoteMachine extends RemoteCalls implements Machine {
  #keeper: KeeperInfo;
  readonly #connection: KeeperConnection;
  /** The keeper's calls, each of which ends when {@link status} shows what it did. */
  readonly #calls: RemoteKeeper = callsOf((name, args) => this.#call(name, args));
  readonly #attachment: MachineAttachment;
  readonly #events: EventStream;
  readonly storage: RemoteStorage;
  readonly #sound: SoundFeed;
  #status: MachineStatus | null;
  #watch: Watch | null = null;
  /** Sizes of the terminals that this page shows, for the next keeper. */
  readonly #terminals = new Map<string, { cols: number; rows: number }>();
  /** The event of a move that this page has not completed. */
  #moved: MachineEventOf<'moved'> | undefined;

  /** @param keeper that answered when this page attached */
  constructor(keeper: KeeperInfo, connection: KeeperConnection, attachment: MachineAttachment) {
    super(attachment.rules ?? {});
    const { pageId, port } = attachment.events;
    this.#keeper = keeper;
    this.#connection = connection;
    this.#attachment = attachment;
    this.storage = new RemoteStorage(this.#calls);
    this.#sound = new SoundFeed(this, (frames) => connection.keeper.listen(pageId, frames));
    const taken = new EventsTaken((taken) => this.#report(taken));
    this.#events = new EventStream(this.log, (event) => taken.add(event));
    this.#status = null;
    this.#listenTo(port);
  }

  #listenTo(port: MessagePort): void {
    this.#report({});
    const { machine } = this.#keeper;
    this.#status = machine && readStatus(machine);
    port.onmessage = ({ data }: MessageEvent<MachineEvent>) => {
      if (data.type === 'moved') {
        // All that the former keeper still sends is about its end.
        port.onmessage = null;
        this.#moved = data;
        this.#attachment.moved(data.to);
        return;
      }
      // The keeper has started a machine itself.
      if (data.type === 'status') this.unwatch();
      this.#push(data);
    };
  }

  #report(taken: TakenEvents): void {
    if (this.#watch) this.#watch.took(taken);
    // A keeper of an earlier release sends everything.
    else this.#connection.keeper.took(this.#attachment.events.pageId, taken).catch(() => {});
  }

  /** The guest is in another keeper now, to which this page is attached. */
  arrive(keeper: KeeperInfo, events: MessagePort): void {
    this.#keeper = keeper;
    this.#listenTo(events);
    this.#sound.again();
    for (const [name, size] of this.#terminals) void this.terminalSize(name, size).catch(() => {});
    if (this.#moved) this.#events.push(this.#moved);
    this.#moved = undefined;
  }

  get keeper(): KeeperInfo {
    return this.#keeper;
  }

  upgradeKeeper(options: UpgradeOptions = {}): Promise<UpgradeReport | null> {
    return this.#attachment.upgrade(options);
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

  override async terminalSize(name: string, size: { cols: number; rows: number }): Promise<void> {
    this.#terminals.set(name, size);
    await super.terminalSize(name, size);
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
    this.#attachment.leave();
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
