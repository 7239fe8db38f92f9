/** The whole page, once it is known that a guest can be had. */
import { type RuntimeBuild, runtimes } from 'virtual:holdfast-build';
import { fillShare } from '../client/machine-contents.ts';
import type { Machine, OpenStateOptions } from '../client/types.ts';
import { CprError } from '../errors.ts';
import { randomId } from '../protocol/random-id.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import { freshConfig } from './address/fresh-config.ts';
import { addressOf } from './address/machine-address.ts';
import type { StateSource, UrlOptions } from './address/page-options.ts';
import type { UnknownOption } from './address/unknown-options.ts';
import { dropActions } from './drop-actions.ts';
import { LiveUpdate } from './live-update/live-update.ts';
import { keepStorage } from './machines/keep-storage.ts';
import { leftBehind, tellLeftBehind } from './machines/left-behind.ts';
import { MachineList } from './machines/machine-list.ts';
import { DropTarget } from './new-machine/drop-target.ts';
import { type NewMachine, NewMachineDialog } from './new-machine/new-machine-dialog.ts';
import { startMachine } from './new-machine/start-machine.ts';
import { showDiskNotices } from './notices/disk-notices.ts';
import { DurabilityNotice } from './notices/durability-notice.ts';
import { GuestEnd } from './notices/guest-end.ts';
import {
  tellFellBack,
  tellLost,
  tellOtherMemory,
  tellUnawareClone,
  tellUnknownOptions,
} from './notices/guest-notices.ts';
import { Notices } from './notices/notices.ts';
import { OperationReports } from './notices/operation-reports.ts';
import { explained } from './notices/site-update.ts';
import { showSurvival } from './notices/survival-notice.ts';
import type { Session } from './session.ts';
import { StateOpener } from './share/open-state.ts';
import { ShareDialog } from './share/share-dialog.ts';
import { AddressApproval } from './start/address-approval.ts';
import { BootBar } from './start/boot-bar.ts';
import { noteVisit, takeEarlyPrompt } from './start/early-prompt.ts';
import { type LoadedGuest, loadDescribed } from './start/guest.ts';
import { NeededFiles, type PickedFiles } from './start/needed-files.ts';
import { type ResumeHow, StoredGuest } from './start/stored-guest.ts';
import { markStored, storedMark } from './start/stored-mark.ts';
import { typeFromAddress } from './start/typed-from-address.ts';
import { hiddenPolicy, setUpHiddenPolicy } from './state/hidden-policy.ts';
import { MachineButtons } from './state/machine-buttons.ts';
import { MachineMenu } from './state/machine-menu.ts';
import { RunstateBar } from './state/runstate-bar.ts';
import { StateLine } from './state/state-line.ts';
import { wakeOnTouch } from './state/wake-on-touch.ts';
import { element } from './ui/element.ts';
import { PaneViews } from './ui/pane-views.ts';
import { runShortcut } from './ui/run-shortcut.ts';
import { runtimeSource } from './ui/runtime-source.ts';
import { setUpShortcuts } from './ui/shortcut-keys.ts';
import { markViewOnly } from './ui/view-only.ts';

/** Longest wait for a guest that another page starts, before this page tries it, ms. */
const otherPageMs = 5000;

export class Playground {
  readonly #session: Session;
  readonly #options: UrlOptions;
  readonly #approval: AddressApproval;
  readonly #notices = new Notices(element('notices', HTMLElement));
  readonly #boot: BootBar;
  readonly #views: PaneViews;
  readonly #reports: OperationReports;
  readonly #end: GuestEnd;
  readonly #buttons: MachineButtons;
  readonly #update: LiveUpdate;
  readonly #stored: StoredGuest;
  readonly #neededFiles: NeededFiles;
  readonly #opener: StateOpener;
  readonly #newMachine = new NewMachineDialog((machine) => this.#startNew(machine));
  /** The state in the address is opened once: after that its machine is this page's. */
  #stateOpened = false;
  /** What an earlier page knew of the guest that is stored here. */
  readonly #marked: ReturnType<typeof storedMark>;
  /** To a machine that was described here: the options of the address are those of another. */
  #hasMoved = false;

  constructor(session: Session, options: UrlOptions) {
    this.#session = session;
    this.#options = options;
    this.#marked = storedMark(session.machineId);
    markStored(session);
    this.#approval = new AddressApproval(options);
    new StateLine(session);
    this.#boot = new BootBar(session);
    this.#views = new PaneViews(session, this.#notices);
    this.#reports = new OperationReports({
      session,
      notices: this.#notices,
      reconnect: () => void this.open(),
      startFresh: () => this.#buttons.askStartFresh(),
    });
    tellUnawareClone(session, this.#notices);
    showDiskNotices({ session, notices: this.#notices, reports: this.#reports });
    this.#buttons = new MachineButtons(session, {
      attempt: (operation, work) => void this.#reports.attempt(operation, work),
      startFresh: () => void this.#start(true),
      storedGuest: () => this.#stored.replaced,
    });
    this.#opener = new StateOpener({
      session,
      durable: options.durable,
      openInPage: (open) => this.#openInPage(open),
      describe: (v86State) => this.#newMachine.open({ v86State }),
    });
    new ShareDialog(session);
    const menu = new MachineMenu(session, {
      attempt: (operation, work) => void this.#reports.attempt(operation, work),
      expectNewMachine: () => this.#views.terminal.expectNewMachine(),
      newMachineBegan: () => this.#views.terminal.newMachineBegan(),
      openStateFile: (file) => this.#opener.openFile(file),
      newMachine: () => this.#newMachine.open(),
      notices: this.#notices,
    });
    const { media } = menu;
    const newMachine = this.#newMachine;
    new DropTarget(() =>
      dropActions({
        session,
        notices: this.#notices,
        reports: this.#reports,
        opener: this.#opener,
        media,
        newMachine,
      }),
    );
    new RunstateBar(session, menu);
    wakeOnTouch(session);
    markViewOnly(session);
    setUpHiddenPolicy();
    this.#update = new LiveUpdate(session, (error, again) =>
      this.#reports.report(error, 'live-update', again),
    );
    new DurabilityNotice({
      session,
      notices: this.#notices,
      tryAgain: () => void this.#reports.attempt('storage', () => session.checkpoint()),
      resumeStored: () => void this.#resumeStored({ replace: true }),
      replaceStored: () =>
        void this.#reports.attempt('storage', () =>
          session.run('storage', (machine) => machine.setDurable(true, { replace: true })),
        ),
      keepAsOwn: () =>
        void this.#reports.attempt('storage', () =>
          session.run('storage', (machine) => machine.setDurable(true, { own: true })),
        ),
    });
    keepStorage(session);
    new MachineList({
      session,
      createMachine: () => this.#newMachine.open(),
    });
    this.#neededFiles = new NeededFiles({
      session,
      notices: this.#notices,
      startFresh: () => this.#buttons.askStartFresh(),
    });
    this.#stored = new StoredGuest({
      session,
      notices: this.#notices,
      boot: (durable) => this.#start(false, durable && options.durable),
      startFresh: () => this.#buttons.askStartFresh(),
      resume: (how) => this.#resumeStored(how),
      failed: (error, again) => this.#reports.report(error, 'storage', again),
    });
    session.onFailure((error, operation) => this.#reports.report(error, operation));
    this.#end = new GuestEnd({
      session,
      notices: this.#notices,
      reports: this.#reports,
      lookOn: () => void this.#stored.lookOn(),
      loadState: () => void menu.askLoad(),
      startFresh: () => void this.#buttons.askStartFresh(),
    });
    setUpShortcuts((shortcut) =>
      runShortcut(shortcut, { views: this.#views, buttons: this.#buttons, update: this.#update }),
    );
    this.#views.keepFocus();
  }

  /** Options of the address that nobody here reads. */
  tellUnknown(unknown: readonly UnknownOption[]): void {
    tellUnknownOptions(this.#notices, unknown);
  }

  get machine(): Machine | null {
    return this.#session.machine;
  }

  screenText(): string {
    return this.#views.screen.text();
  }

  terminalText(): string {
    return this.#views.terminal.text();
  }

  terminalSize(): { cols: number; rows: number } {
    return this.#views.terminal.size;
  }

  /** Connects, and attaches to the guest that is there or boots one. */
  async open(): Promise<void> {
    const isConnected = await this.#reports.attempt(
      'connect',
      () => this.#session.connect(),
      () => this.open(),
    );
    if (!isConnected) return;
    this.#showSurvival();
    if (this.#options.state && !this.#stateOpened) await this.#openState(this.#options.state);
    else if (this.#session.status || (await this.#openedEarly())) this.#attached();
    else await this.#stored.open();
    void tellLost(this.#session, this.#notices, this.#isNewHere() ? this.#marked : undefined);
    noteVisit();
  }

  /** A guest began as this page was opened, and none is in storage in its place. */
  #isNewHere(): boolean {
    const { status } = this.#session;
    if (!status || this.#stored.replaced !== undefined || this.#options.state) return false;
    const { arrival, bootedAtMs } = status;
    const beganAtMs = arrival?.kind === 'opened' ? arrival.openedAtMs : bootedAtMs;
    return arrival?.kind !== 'resumed' && beganAtMs >= performance.timeOrigin;
  }

  /** @returns whether there is a guest that early.ts has asked for */
  async #openedEarly(): Promise<boolean> {
    return (await takeEarlyPrompt()) && (await this.#session.anyStatus(otherPageMs));
  }

  /** Opens the state that the address asks for; whatever fails, a guest that is there stays. */
  async #openState(source: StateSource): Promise<void> {
    this.#notices.remove('open-state');
    try {
      const v86State = await this.#opener.openAddress(source);
      if (v86State) return this.#describe(v86State);
      this.#stateOpened = true;
      this.#update.updateByItself();
    } catch (thrown) {
      const error = await explained(thrown, 'The state could not be opened');
      if (this.#session.status) this.#attached();
      this.#reports.report(error, 'open-state', () => void this.#openState(source));
    }
  }

  /** A guest that is here goes on; where there is none, none is started that nobody asked for. */
  #describe(v86State: File): void {
    if (this.#session.status) this.#attached();
    const describe = () => {
      this.#newMachine.open({ v86State });
      this.#notices.show('open-state', {
        tone: 'info',
        title: 'This address is that of a state of v86 itself',
        text: 'It opens in a machine like the one that it was saved in. What was in its drives is for you to choose.',
        actions: [{ label: 'Describe its machine…', run: describe }],
      });
    };
    describe();
  }

  async #openInPage(open: (runtime: RuntimeSource) => Promise<void>): Promise<void> {
    this.#boot.begin();
    this.#end.expectAnother();
    try {
      this.#views.terminal.expectNewMachine();
      await open(runtimeSource(this.#runtime()));
      this.#views.terminal.newMachineBegan();
    } finally {
      this.#boot.end();
    }
  }

  /** Starts a machine of the visitor's own beside the one that is here, and goes to it. */
  async #startNew({ options, isDemo, v86State, onProgress, signal }: NewMachine): Promise<void> {
    const id = randomId();
    const { durable = this.#options.durable } = options;
    const machine = await startMachine({
      options,
      isDemo,
      v86State,
      // A state of v86 says nothing of who made it.
      own: { ...hiddenPolicy(), id, durable, ...(v86State && { foreign: true }) },
      runtime: runtimeSource(this.#runtime()),
      connect: (machineId) => this.#session.connectTo(machineId),
      onProgress,
      signal,
    });
    this.#end.expectAnother();
    this.#notices.clear();
    this.#boot.begin();
    const left = leftBehind(this.#session);
    await this.#session.moveTo(machine, id);
    this.#hasMoved = true;
    this.#stateOpened = true;
    this.#stored.settled();
    history.pushState(null, '', addressOf(id, document.baseURI));
    // Back is the machine of before, as when its address is opened.
    window.addEventListener('popstate', () => location.reload(), { once: true });
    this.#showSurvival();
    if (left) tellLeftBehind(left, this.#session, this.#notices);
  }

  /** Goes on with the guest in storage. */
  async #resumeStored(how: ResumeHow = {}, files: PickedFiles = {}): Promise<void> {
    this.#boot.begin();
    this.#notices.remove('stored');
    this.#notices.remove('resume-stored');
    try {
      const runtime = this.#runtime();
      this.#views.terminal.expectNewMachine();
      const { fellBack } = await this.#session.resumeStored(this.#session.machineId, runtime, {
        ...how,
        files,
      });
      this.#views.terminal.newMachineBegan();
      this.#stored.settled();
      if (how.takeOver) this.#showSurvival();
      if (fellBack) tellFellBack(this.#notices, fellBack);
      this.#update.updateByItself();
    } catch (thrown) {
      this.#boot.end();
      const error = await explained(thrown, 'Could not resume the guest');
      if (error.code === 'taken-over') await this.#stored.lookOn();
      else if (error.code === 'file-needed')
        await this.#neededFiles.ask(files, (all) => void this.#resumeStored(how, all));
      else if (
        (error.code === 'bad-runstate' && !how.replace) ||
        (error.code === 'busy' && !how.takeOver)
      )
        await this.#join(() => this.#resumeStored(how));
      else this.#reports.report(error, 'resume-stored', () => void this.#resumeStored(how));
    }
  }

  #runtime(): RuntimeBuild {
    const runtime = this.#options.runtime ?? runtimes[0];
    if (runtime) return runtime;
    throw new CprError('runtime-unavailable', 'This build ships no emulator.');
  }

  async #start(replace: boolean, durable = this.#options.durable): Promise<void> {
    this.#boot.begin();
    this.#end.expectAnother();
    this.#notices.remove('run');
    this.#notices.remove('stored');
    const { machineId } = this.#session;
    try {
      const again =
        replace && this.#isOwn
          ? freshConfig(this.#session.status?.config ?? this.#stored.config)
          : undefined;
      if (!again) await this.#approval.require();
      const runtime = this.#runtime();
      const loaded = again
        ? { config: again }
        : await loadDescribed(this.#options, document.baseURI);
      const { config: described, prompt, promptState, files = [] }: LoadedGuest = loaded;
      // What the address describes, its author chose.
      const foreign = !again && this.#options.machine !== undefined;
      const own = { ...hiddenPolicy(), id: machineId, durable, ...(foreign && { foreign }) };
      this.#views.terminal.expectNewMachine();
      // Who starts fresh wants to see it boot.
      const isOpened =
        promptState !== undefined &&
        !replace &&
        !this.#options.coldBoot &&
        (await this.#openedAtPrompt(promptState, own, runtime));
      if (!isOpened) await this.#session.start({ ...described, ...own }, runtime, replace);
      if (this.machine) await fillShare(this.machine, { files });
      this.#views.terminal.newMachineBegan();
      this.#typeFromAddress(prompt);
      if (durable) this.#stored.settled();
    } catch (thrown) {
      const error = await explained(thrown, 'Could not start the guest');
      const isThere = error.code === 'bad-runstate' || error.code === 'busy';
      if (isThere && !replace) {
        return this.#join(() => this.#start(replace, durable));
      }
      this.#boot.end();
      if (error.code === 'taken-over' && !replace) return this.#stored.lookOn();
      this.#reports.report(error, 'start', () => void this.#start(replace, durable));
    }
  }

  /** The address says which machine it is, and nothing about it. */
  get #isOwn(): boolean {
    const { hasMachineId, machine, hasGuest, memoryMiB } = this.#options;
    const saysNothing = hasMachineId && !machine && !hasGuest && memoryMiB === undefined;
    return saysNothing || this.#hasMoved;
  }

  /** @returns whether it was; if not, the guest can still be booted */
  async #openedAtPrompt(
    url: string,
    config: OpenStateOptions['config'],
    runtime: RuntimeBuild,
  ): Promise<boolean> {
    try {
      await this.#session.openPromptState(url, config, runtime);
      return true;
    } catch (thrown) {
      const { code } = CprError.from(thrown, 'internal', 'The state could not be opened');
      if (code === 'bad-runstate' || code === 'busy' || code === 'taken-over') throw thrown;
      console.warn('The guest boots, because its state at the prompt could not be opened:', thrown);
      return false;
    }
  }

  #typeFromAddress(prompt: string | undefined): void {
    const { typed } = this.#options;
    const { machine } = this.#session;
    if (!typed || !machine) return;
    const options = { machine, notices: this.#notices, typed, prompt };
    void this.#reports.attempt('input', () =>
      typeFromAddress({ ...options, screenText: () => this.screenText() }),
    );
  }

  /** Another page was faster: this one shows its guest. @param again for when that page failed */
  async #join(again: () => Promise<void>): Promise<void> {
    if (await this.#session.anyStatus(otherPageMs)) this.#attached();
    else await again();
  }

  #attached(): void {
    const { arrival } = this.#session.status ?? {};
    // early.ts has asked for it: what this page found is what it brought back.
    const { timeOrigin } = performance;
    const isResumed = arrival?.kind === 'resumed' && arrival.resumedAtMs >= timeOrigin;
    const isOpened = arrival?.kind === 'opened' && arrival.openedAtMs >= timeOrigin;
    this.#session.attached(isResumed ? 'resumed' : isOpened ? 'booted' : 'attached');
    if (isResumed && arrival.fellBack) tellFellBack(this.#notices, arrival.fellBack);
    const { status } = this.#session;
    const { memoryMiB } = this.#options;
    if (status && memoryMiB !== undefined)
      tellOtherMemory(this.#notices, status, memoryMiB, () => void this.#buttons.askStartFresh());
    this.#update.updateByItself();
  }

  #showSurvival(): void {
    showSurvival(this.#session, this.#options, this.#notices);
  }
}
