import { eventBytes } from '../protocol/event-bytes.ts';
import type { MachineEvent } from '../protocol/events.ts';
import type { ConsoleLog } from './console-log.ts';
import type { MachineEventOf } from './machine-core.ts';
import { reportListenerError } from './report-listener-error.ts';

type Type = MachineEvent['type'];
type Listener = (event: MachineEvent) => unknown;

/** Console output that waits for a listener. The bytes are in the log. */
interface LoggedOutput {
  type: 'logged';
  console: string;
  offset: number;
  end: number;
}

/** Most events kept for a page that never listens. Beyond it the oldest are dropped. */
const maxBacklogEvents = 8192;
const maxBacklogBytes = 64 * 1024 * 1024;

/**
 * Delivers the keeper's events. Console output that has no listener yet stays in the log, which
 * keeps the last MiB of each console. Other events are kept for the first listener of their type.
 * The backlog is delivered in a microtask, in its own order. The order in which listeners are added
 * does not matter.
 */
export class EventStream {
  readonly #listeners = new Map<Type, Set<Listener>>();
  /** Types that have had a listener: their events are not kept any more. */
  readonly #subscribedTypes = new Set<Type>();
  #backlog: (MachineEvent | LoggedOutput)[] = [];
  #backlogBytes = 0;
  #draining = false;
  readonly #taken: (event: MachineEvent) => void;
  readonly #log: ConsoleLog;

  /**
   * @param log has all console output before it is pushed here
   * @param taken is called once all listeners have an event, and what they returned is settled
   */
  constructor(log: ConsoleLog, taken: (event: MachineEvent) => void = () => {}) {
    this.#log = log;
    this.#taken = taken;
  }

  on<T extends Type>(type: T, listener: (event: MachineEventOf<T>) => unknown): () => void {
    // A separate wrapper for every subscription, so that one listener may be added twice.
    const entry: Listener = (event) => listener(event as MachineEventOf<T>);
    let listeners = this.#listeners.get(type);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(type, listeners);
    }
    listeners.add(entry);
    this.#subscribedTypes.add(type);
    if (this.#backlog.length > 0 && !this.#draining) {
      this.#draining = true;
      queueMicrotask(() => this.#drain());
    }
    return () => listeners.delete(entry);
  }

  push(event: MachineEvent): void {
    // While the backlog waits for its microtask, later events queue up behind it.
    if (this.#subscribedTypes.has(event.type) && !this.#draining) this.#deliver(event);
    else this.#keep(event);
  }

  #drain(): void {
    const backlog = this.#backlog;
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#draining = false;
    for (const event of backlog) {
      if (event.type === 'logged') this.#drainConsole(event);
      else if (this.#subscribedTypes.has(event.type)) this.#deliver(event);
      else this.#keep(event);
    }
  }

  #drainConsole(output: LoggedOutput): void {
    if (!this.#subscribedTypes.has('console')) this.#backlog.push(output);
    else
      for (const chunk of this.#log.chunks(output.console, output.offset, output.end)) {
        const { offset, bytes, again } = chunk;
        const event = { type: 'console', console: output.console, offset, bytes } as const;
        this.#deliver(again ? { ...event, again } : event);
      }
  }

  #deliver(event: MachineEvent): void {
    const waits: unknown[] = [];
    for (const listener of this.#listeners.get(event.type) ?? []) {
      try {
        const returned = listener(event);
        // A promise that rejects is reported like a listener that throws.
        if (returned instanceof Promise) waits.push(returned.catch(reportListenerError));
      } catch (thrown) {
        // Like an event target: the other listeners get the event too.
        reportListenerError(thrown);
      }
    }
    if (waits.length === 0) this.#taken(event);
    else void Promise.all(waits).then(() => this.#taken(event));
  }

  #keep(event: MachineEvent): void {
    // Counts as taken: no listener waits for it, and the backlog has a separate limit.
    this.#taken(event);
    if (event.type === 'console') {
      this.#keepConsole(event);
      return;
    }
    this.#backlog.push(event);
    this.#backlogBytes += eventBytes(event);
    this.#bound();
  }

  #keepConsole({ console, offset, bytes }: MachineEventOf<'console'>): void {
    const end = offset + bytes.length;
    const last = this.#backlog.at(-1);
    if (last?.type === 'logged' && last.console === console && last.end === offset) last.end = end;
    else this.#backlog.push({ type: 'logged', console, offset, end });
    this.#bound();
  }

  #bound(): void {
    if (this.#backlog.length <= maxBacklogEvents && this.#backlogBytes <= maxBacklogBytes) return;
    // Half at a time: dropping one by one would move the whole array for every event.
    while (
      this.#backlog.length > maxBacklogEvents / 2 ||
      this.#backlogBytes > maxBacklogBytes / 2
    ) {
      const dropped = this.#backlog.splice(0, Math.ceil(this.#backlog.length / 2));
      for (const old of dropped) if (old.type !== 'logged') this.#backlogBytes -= eventBytes(old);
    }
  }
}
