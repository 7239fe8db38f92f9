/** Start policy: decides which guest this page shows, and starts it. */
import type { RuntimeBuild } from 'virtual:holdfast-build';
import { fillShare } from '../../client/machine-contents.ts';
import type { OpenStateOptions } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { freshConfig } from '../address/fresh-config.ts';
import type { StateSource, UrlOptions } from '../address/page-options.ts';
import type { OperationReports } from '../notices/operation-reports.ts';
import { explained } from '../notices/site-update.ts';
import { openPromptState, resumeStored, startGuest } from '../session/guest-commands.ts';
import type { Session } from '../session/session.ts';
import type { LoadedGuest } from './guest.ts';
import type { NeededFiles, PickedFiles } from './needed-files.ts';
import type { ResumeHow, StoredGuest } from './stored-guest.ts';

/** Longest wait for a guest that another page starts, before this page tries it, ms. */
const otherPageMs = 5000;

export interface GuestStarterOptions {
  session: Session;
  address: UrlOptions;
  reports: Pick<OperationReports, 'attempt' | 'report'>;
  stored: Pick<StoredGuest, 'open' | 'watch' | 'settled' | 'config' | 'replaced'>;
  neededFiles: Pick<NeededFiles, 'ask'>;
  /** @throws HoldfastError `runtime-unavailable` */
  runtime(): RuntimeBuild;
  /**
   * Asks about fetches from other origins.
   * @throws HoldfastError `not-approved`
   */
  approve(): Promise<void>;
  /** Loads the guest that the address describes. @throws HoldfastError */
  load(): Promise<LoadedGuest>;
  /** Whether the keeper runs the guest that preload.ts asked for. */
  takePreloaded(): Promise<boolean>;
  /**
   * Opens the state of the address.
   * @returns false if no guest was opened
   */
  openState(source: StateSource): Promise<boolean>;
  /** Settings that this browser's user adds to each machine. */
  own(): Partial<MachineConfig>;
  events: StartEvents;
}

/** Effects of a start on the page. */
export interface StartEvents {
  connected(): void;
  /** @param how a new guest, or a stored one */
  starting(how: 'new' | 'stored'): void;
  /** The start failed. */
  failed(): void;
  /** The calls that follow bring another guest's output. */
  expectNewMachine(): void;
  newMachineBegan(): void;
  /** @param fellBack why the newest checkpoint could not be used */
  resumed(how: ResumeHow, fellBack: string | undefined): void;
  /** @param prompt text on its consoles once it has booted */
  booted(prompt: string | undefined): void;
  attached(): void;
  /** The page has a guest now, or shows why not. */
  opened(): void;
}

export class GuestStarter {
  readonly #options: GuestStarterOptions;
  /** The state in the address is opened once: after that its machine is this page's. */
  #stateOpened = false;
  /** True after the page moved to another machine: the address's options no longer apply. */
  #hasMoved = false;

  constructor(options: GuestStarterOptions) {
    this.#options = options;
  }

  /** Connects. Then attaches to the present guest, or resumes or starts one. */
  async open(): Promise<void> {
    const { session, address, reports, stored, events, takePreloaded } = this.#options;
    const isConnected = await reports.attempt(
      'connect',
      () => session.connect(),
      () => void this.open(),
    );
    if (!isConnected) return;
    events.connected();
    if (address.state && !this.#stateOpened) await this.#openState(address.state);
    else if (session.status || (await takePreloaded())) events.attached();
    else await stored.open();
    events.opened();
  }

  /** Whether a guest began as this page was opened, and storage has no other in its place. */
  get isNewHere(): boolean {
    const { session, stored, address } = this.#options;
    const { status } = session;
    if (!status || stored.replaced !== undefined || address.state) return false;
    const { startSource, bootedAtMs } = status;
    const beganAtMs = startSource?.kind === 'opened' ? startSource.openedAtMs : bootedAtMs;
    return startSource?.kind !== 'resumed' && beganAtMs >= performance.timeOrigin;
  }

  /** The page shows another machine from now on, which was described here. */
  moved(): void {
    this.#hasMoved = true;
    this.#stateOpened = true;
    this.#options.stored.settled();
  }

  /** Keeps the present guest if it fails. */
  async #openState(source: StateSource): Promise<void> {
    const { session, reports, events, openState } = this.#options;
    try {
      this.#stateOpened = await openState(source);
      if (!this.#stateOpened && session.status) events.attached();
    } catch (thrown) {
      const error = await explained(thrown, 'The state could not be opened');
      if (session.status) events.attached();
      reports.report(error, 'open-state', () => void this.#openState(source));
    }
  }

  /** Resumes the guest in storage. */
  async resume(how: ResumeHow = {}, files: PickedFiles = {}): Promise<void> {
    const { session, stored, events, runtime } = this.#options;
    events.starting('stored');
    try {
      const build = runtime();
      events.expectNewMachine();
      const { fellBack } = await resumeStored(session, build, { ...how, files });
      events.newMachineBegan();
      stored.settled();
      events.resumed(how, fellBack);
    } catch (thrown) {
      events.failed();
      await this.#resumeFailed(await explained(thrown, 'Could not resume the guest'), how, files);
    }
  }

  async #resumeFailed(error: HoldfastError, how: ResumeHow, files: PickedFiles): Promise<void> {
    const { stored, reports, neededFiles } = this.#options;
    const isThere = error.code === 'bad-runstate' && !how.replace;
    const isOthers = error.code === 'busy' && !how.takeOver;
    if (error.code === 'taken-over') await stored.watch();
    else if (error.code === 'file-needed')
      await neededFiles.ask(files, (all) => void this.resume(how, all));
    else if (isThere || isOthers) await this.#join(() => this.resume(how));
    else reports.report(error, 'resume-stored', () => void this.resume(how));
  }

  /**
   * Starts the guest that the address describes, or the same machine again.
   * @param replace discards the present guest
   */
  async start(replace: boolean, durable = this.#options.address.durable): Promise<void> {
    const { stored, reports, events } = this.#options;
    events.starting('new');
    try {
      events.booted(await this.#boot(replace, durable));
      if (durable) stored.settled();
    } catch (thrown) {
      const error = await explained(thrown, 'Could not start the guest');
      const isThere = error.code === 'bad-runstate' || error.code === 'busy';
      if (isThere && !replace) return this.#join(() => this.start(replace, durable));
      events.failed();
      if (error.code === 'taken-over' && !replace) return stored.watch();
      reports.report(error, 'start', () => void this.start(replace, durable));
    }
  }

  /** @returns its prompt, if known */
  async #boot(replace: boolean, durable: boolean): Promise<string | undefined> {
    const { session, address, stored, events } = this.#options;
    const again =
      replace && this.#isOwn ? freshConfig(session.status?.config ?? stored.config) : undefined;
    if (!again) await this.#options.approve();
    const runtime = this.#options.runtime();
    const loaded: LoadedGuest = again ? { config: again } : await this.#options.load();
    const { config: described, prompt, promptState, files = [] } = loaded;
    // A machine in the address was described by the author of the link.
    const foreign = !again && address.machine !== undefined;
    const own = {
      ...this.#options.own(),
      id: session.machineId,
      durable,
      ...(foreign && { foreign }),
    };
    events.expectNewMachine();
    // Start fresh shows the boot.
    const isOpened =
      promptState !== undefined &&
      !replace &&
      !address.coldBoot &&
      (await this.#openedAtPrompt(promptState, own, runtime));
    if (!isOpened) await startGuest(session, { ...described, ...own }, runtime, replace);
    if (session.machine) await fillShare(session.machine, { files });
    events.newMachineBegan();
    return prompt;
  }

  /** Whether the address names the machine and does not describe it. */
  get #isOwn(): boolean {
    const { hasMachineId, machine, hasGuest, memoryMiB } = this.#options.address;
    const saysNothing = hasMachineId && !machine && !hasGuest && memoryMiB === undefined;
    return saysNothing || this.#hasMoved;
  }

  /** @returns whether the state was opened; if not, the guest can still be booted */
  async #openedAtPrompt(
    url: string,
    config: OpenStateOptions['config'],
    runtime: RuntimeBuild,
  ): Promise<boolean> {
    try {
      await openPromptState(this.#options.session, url, config, runtime);
      return true;
    } catch (thrown) {
      const { code } = HoldfastError.from(thrown, 'internal', 'The state could not be opened');
      if (code === 'bad-runstate' || code === 'busy' || code === 'taken-over') throw thrown;
      console.warn('The guest boots, because its state at the prompt could not be opened:', thrown);
      return false;
    }
  }

  /**
   * Another page was faster: this one shows its guest.
   * @param again called if that page failed
   */
  async #join(again: () => Promise<void>): Promise<void> {
    const { session, events } = this.#options;
    if (await session.anyStatus(otherPageMs)) events.attached();
    else await again();
  }
}
