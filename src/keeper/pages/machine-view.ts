import type { MachineEvent, MachineStatus } from '../../protocol/events.ts';
import { withoutContents } from '../../protocol/images.ts';
import type { StartSource } from '../../protocol/stored.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import type { PageSource } from './page-pace.ts';
import type { Pages } from './pages.ts';

/** Counts over all machines of this keeper, see {@link MachineStatus.revision}. */
let revision = 0;

/** The parts of its machine that a view shows. */
type Viewed = Pick<
  GuestParts,
  'backing' | 'execution' | 'consoles' | 'restarts' | 'durability' | 'memory'
>;

/** The events of one machine for the attached pages: its status, its output, its screen. */
export class MachineView implements PageSource {
  /** The way this guest was started. */
  startSource: StartSource = { kind: 'booted' };
  /** Pause of the last live update. */
  lastPauseMs: number | undefined;
  readonly #machine: Viewed;
  readonly #pages: Pages;
  /** False until the machine is in its slot: until then the pages see another one. */
  #visible = false;
  /** The configuration for pages, made only when it changes: the status is sent every second. */
  #described: { of: unknown; config: MachineStatus['config'] } | undefined;

  constructor(machine: Viewed, pages: Pages) {
    this.#machine = machine;
    this.#pages = pages;
  }

  status(): MachineStatus {
    const { execution, restarts, durability, memory } = this.#machine;
    const { source, activeRuntime, mips, bootedAtMs, crash } = execution;
    const kept = durability.status;
    const arrival = memory.status;
    const isStalled = memory.isStalled && execution.runstate === 'running';
    return {
      runstate: isStalled ? 'postcopy-paused' : execution.runstate,
      config: this.#config(),
      runtimeId: source.id,
      v86Version: activeRuntime?.instance.v86Version ?? source.v86Version,
      mips,
      bootedAtMs,
      restarts,
      ...(this.lastPauseMs !== undefined && { lastPauseMs: this.lastPauseMs }),
      pages: this.#pages.count,
      ...(arrival && { memory: arrival }),
      ...(kept && { durability: kept }),
      startSource: this.startSource,
      arrival: this.startSource,
      ...(crash !== undefined && { crash }),
      revision: ++revision,
    };
  }

  #config(): MachineStatus['config'] {
    const { config } = this.#machine.backing;
    if (this.#described?.of !== config) {
      this.#described = { of: config, config: withoutContents(config) };
    }
    return this.#described.config;
  }

  sendStatus(): void {
    this.emit({ type: 'status', status: this.status() });
  }

  /**
   * Returns events that bring a new page up to date; everything later is sent live.
   * @param has end of the output that the page has of each console
   */
  greeting(has?: Readonly<Record<string, number>>): MachineEvent[] {
    const { consoles, execution } = this.#machine;
    consoles.flush();
    return [
      { type: 'status', status: this.status() },
      ...(has ? consoles.after(has) : consoles.history()),
      ...execution.describe(),
    ];
  }

  consoleFrom(name: string, offset: number): Iterable<MachineEvent> {
    return this.#machine.consoles.from(name, offset);
  }

  screen(): MachineEvent[] {
    return this.#machine.execution.describe();
  }

  /** Sends status and screen again. */
  describe(): void {
    this.sendStatus();
    for (const event of this.#machine.execution.describe()) this.emit(event);
  }

  /** Shows this machine to the pages from now on. */
  show(): void {
    this.#visible = true;
  }

  hide(): void {
    this.#visible = false;
  }

  emit(event: MachineEvent, transfer: Transferable[] = []): void {
    if (this.#visible || event.type === 'progress') this.#pages.broadcast(event, transfer);
  }
}
