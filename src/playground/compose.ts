/** Makes the whole page, once the browser and the address are fit for a guest. */
import { type RuntimeBuild, runtimes } from 'virtual:holdfast-build';
import type { Machine } from '../client/types.ts';
import { HoldfastError } from '../errors.ts';
import type { StateSource, UrlOptions } from './address/page-options.ts';
import type { UnknownOption } from './address/unknown-options.ts';
import { dropActions } from './drop-actions.ts';
import { KeeperUpgrade } from './live-update/keeper-upgrade.ts';
import { LiveUpdate } from './live-update/live-update.ts';
import { keepStorage } from './machines/keep-storage.ts';
import { MachineList } from './machines/machine-list.tsx';
import { notifyPreviousMachine } from './machines/previous-machine.ts';
import { saveStored } from './machines/save-stored.ts';
import { markStored, storedMark } from './machines/stored-mark.ts';
import { DropTarget } from './new-machine/drop-target.ts';
import { NewMachineDialog } from './new-machine/new-machine-dialog.tsx';
import { startBeside } from './new-machine/start-beside.ts';
import { showDiskNotices } from './notices/disk-notices.ts';
import { DurabilityNotice } from './notices/durability-notice.ts';
import { GuestEnd } from './notices/guest-end.ts';
import { showLost, showUnawareClone, showUnknownOptions } from './notices/guest-notices.ts';
import { showMemoryNotice } from './notices/memory-notice.ts';
import { Notices } from './notices/notices.tsx';
import { OperationReports } from './notices/operation-reports.ts';
import { showSurvival } from './notices/survival-notice.ts';
import { openAddressState } from './open-state/address-state.ts';
import { MachineReceiver } from './open-state/machine-receiver.ts';
import { StateOpener } from './open-state/open-state.ts';
import { PaneViews } from './panes/pane-views.ts';
import { runShortcut } from './run-shortcut.ts';
import type { Operation } from './session/operation.ts';
import type { Session } from './session/session.ts';
import { setUpShareButton } from './share/share-button.ts';
import { AddressApproval } from './start/address-approval.ts';
import { BootBar } from './start/boot-bar.ts';
import { loadDescribed } from './start/guest.ts';
import { GuestStarter, type StartEvents } from './start/guest-starter.ts';
import { NeededFiles } from './start/needed-files.ts';
import { noteVisit, takePreloadedPrompt } from './start/preloaded-prompt.ts';
import { startEvents } from './start/start-events.ts';
import { StoredGuest } from './start/stored-guest.ts';
import { hiddenPolicy } from './state/hidden-policy.ts';
import { MachineButtons } from './state/machine-buttons.ts';
import { MachineMenu } from './state/machine-menu.ts';
import { RunstateBar } from './state/runstate-bar.tsx';
import { StateLine } from './state/state-line.ts';
import { wakeOnTouch } from './state/wake-on-touch.ts';
import { element } from './ui/element.ts';
import { runtimeSource } from './ui/runtime-source.ts';
import { setUpShortcuts } from './ui/shortcut-keys.ts';
import { markViewOnly } from './view-only.ts';

/** The page, for its entry and for tests. */
export interface Page {
  /** Connects, and shows a guest. */
  open(): Promise<void>;
  /** Shows options of the address that this page does not know. */
  showUnknown(unknown: readonly UnknownOption[]): void;
  readonly machine: Machine | null;
  screenText(): string;
  terminalText(): string;
  terminalSize(): { cols: number; rows: number };
}

export const compose = (session: Session, address: UrlOptions): Page =>
  new ComposedPage(session, address);

/**
 * The parts of the page, in the order in which they listen to the session. They call each other only
 * after all of them exist: nothing happens on the page before {@link open}.
 */
class ComposedPage implements Page {
  readonly #session: Session;
  readonly #address: UrlOptions;
  /** The stored machine that this browser knew before the page began. */
  readonly #marked: ReturnType<typeof storedMark>;
  readonly #notices: Notices;
  readonly #boot: BootBar;
  readonly #views: PaneViews;
  readonly #reports: OperationReports;
  readonly #buttons: MachineButtons;
  readonly #newMachine: NewMachineDialog;
  readonly #opener: StateOpener;
  readonly #receiver: MachineReceiver;
  readonly #menu: MachineMenu;
  readonly #update: LiveUpdate;
  readonly #machines: MachineList;
  readonly #stored: StoredGuest;
  readonly #end: GuestEnd;
  readonly #starter: GuestStarter;

  constructor(session: Session, address: UrlOptions) {
    this.#session = session;
    this.#address = address;
    this.#marked = storedMark(session.machineId);
    markStored(session);
    this.#notices = new Notices(element('notices', HTMLElement));
    new StateLine(session);
    this.#boot = new BootBar(session);
    this.#views = new PaneViews(session, this.#notices);
    this.#reports = this.#makeReports();
    showUnawareClone(session, this.#notices);
    showDiskNotices({ session, notices: this.#notices, reports: this.#reports });
    showMemoryNotice(session, this.#notices);
    this.#buttons = this.#makeButtons();
    this.#newMachine = this.#makeNewMachineDialog();
    this.#opener = this.#makeOpener();
    this.#receiver = this.#makeReceiver();
    setUpShareButton(session, (error) => this.#reports.report(error, 'share'));
    this.#menu = this.#makeMenu();
    this.#acceptDrops();
    new RunstateBar(session, this.#menu);
    wakeOnTouch(session);
    markViewOnly(session);
    this.#update = new LiveUpdate(session, (error, again) =>
      this.#reports.report(error, 'live-update', again),
    );
    new KeeperUpgrade({
      session,
      notices: this.#notices,
      failed: (error, again) => this.#reports.report(error, 'upgrade-keeper', again),
    });
    this.#showDurability();
    keepStorage(session);
    this.#machines = this.#makeMachineList();
    const neededFiles = new NeededFiles({
      session,
      notices: this.#notices,
      startFresh: this.#startFresh,
    });
    this.#stored = this.#makeStoredGuest();
    session.onFailure((error, operation) => this.#reports.report(error, operation));
    this.#end = this.#makeGuestEnd();
    this.#starter = this.#makeStarter(neededFiles);
    const [views, buttons, update] = [this.#views, this.#buttons, this.#update];
    setUpShortcuts((shortcut) => runShortcut(shortcut, { views, buttons, update }));
    views.keepFocus();
  }

  open(): Promise<void> {
    return this.#starter.open();
  }

  showUnknown(unknown: readonly UnknownOption[]): void {
    showUnknownOptions(this.#notices, unknown);
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

  readonly #startFresh = () => this.#buttons.askStartFresh();

  readonly #attempt = (operation: Operation, work: () => Promise<unknown>) =>
    void this.#reports.attempt(operation, work);

  readonly #showSurvival = () => showSurvival(this.#session, this.#address, this.#notices);

  /** @throws HoldfastError `runtime-unavailable` */
  readonly #runtime = (): RuntimeBuild => {
    const build = this.#address.runtime ?? runtimes[0];
    if (build) return build;
    throw new HoldfastError('runtime-unavailable', 'This build ships no runtime.');
  };

  #makeReports(): OperationReports {
    const session = this.#session;
    return new OperationReports({
      session,
      notices: this.#notices,
      reconnect: () => void this.#starter.open(),
      startFresh: this.#startFresh,
      saveRest: () =>
        saveStored(session, { id: session.machineId, name: '' }, { kind: 'everything' }),
    });
  }

  #makeButtons(): MachineButtons {
    return new MachineButtons(this.#session, {
      attempt: this.#attempt,
      startFresh: () => void this.#starter.start(true),
      storedGuest: () => this.#stored.replaced,
    });
  }

  #makeNewMachineDialog(): NewMachineDialog {
    const [session, notices] = [this.#session, this.#notices];
    return new NewMachineDialog((machine) =>
      startBeside(machine, {
        session,
        durable: this.#address.durable,
        runtime: () => runtimeSource(this.#runtime()),
        moving: () => {
          this.#end.expectAnother();
          notices.clear();
          this.#boot.begin();
        },
        moved: (left) => {
          this.#starter.moved();
          this.#showSurvival();
          if (left) notifyPreviousMachine(left, session, notices);
        },
      }),
    );
  }

  #makeOpener(): StateOpener {
    const { terminal } = this.#views;
    return new StateOpener({
      session: this.#session,
      durable: this.#address.durable,
      openInPage: async (open) => {
        this.#boot.begin();
        this.#end.expectAnother();
        try {
          terminal.expectNewMachine();
          await open(runtimeSource(this.#runtime()));
          terminal.newMachineBegan();
        } finally {
          this.#boot.end();
        }
      },
      describe: (v86State) => this.#newMachine.open({ v86State }),
    });
  }

  #makeReceiver(): MachineReceiver {
    const { terminal } = this.#views;
    return new MachineReceiver({
      session: this.#session,
      durable: this.#address.durable,
      runtimes: runtimes.map(runtimeSource),
      begins: () => {
        this.#boot.begin();
        this.#end.expectAnother();
        terminal.expectNewMachine();
      },
      ended: (isHere) => {
        if (isHere) terminal.newMachineBegan();
        this.#boot.end();
      },
    });
  }

  #makeMenu(): MachineMenu {
    const { terminal } = this.#views;
    return new MachineMenu(this.#session, {
      attempt: this.#attempt,
      expectNewMachine: () => terminal.expectNewMachine(),
      newMachineBegan: () => terminal.newMachineBegan(),
      openStateFile: (file) => this.#opener.openFile(file),
      newMachine: () => this.#newMachine.open(),
      notices: this.#notices,
    });
  }

  #acceptDrops(): void {
    const page = {
      session: this.#session,
      notices: this.#notices,
      reports: this.#reports,
      opener: this.#opener,
      media: this.#menu.media,
      newMachine: this.#newMachine,
    };
    new DropTarget(() => dropActions(page));
  }

  #showDurability(): void {
    new DurabilityNotice({
      session: this.#session,
      notices: this.#notices,
      resumeStored: () => void this.#starter.resume({ replace: true }),
      attempt: (work) => this.#attempt('storage', work),
    });
  }

  #makeMachineList(): MachineList {
    const createMachine = () => this.#newMachine.open();
    const machines = new MachineList({ session: this.#session, createMachine });
    element('machines', HTMLButtonElement).addEventListener('click', () => void machines.open());
    return machines;
  }

  #makeStoredGuest(): StoredGuest {
    return new StoredGuest({
      session: this.#session,
      notices: this.#notices,
      boot: (durable) => this.#starter.start(false, durable && this.#address.durable),
      startFresh: this.#startFresh,
      resume: (how) => this.#starter.resume(how),
      failed: (error, again) => this.#reports.report(error, 'storage', again),
      showMachines: () => void this.#machines.open(),
    });
  }

  #makeGuestEnd(): GuestEnd {
    return new GuestEnd({
      session: this.#session,
      notices: this.#notices,
      reports: this.#reports,
      watch: () => void this.#stored.watch(),
      loadState: () => void this.#menu.askLoad(),
      startFresh: () => void this.#startFresh(),
    });
  }

  #makeStarter(neededFiles: NeededFiles): GuestStarter {
    const address = this.#address;
    const approval = new AddressApproval(address);
    return new GuestStarter({
      session: this.#session,
      address,
      reports: this.#reports,
      stored: this.#stored,
      neededFiles,
      runtime: this.#runtime,
      approve: () => approval.require(),
      load: () => loadDescribed(address, document.baseURI),
      takePreloaded: takePreloadedPrompt,
      openState: (source) => this.#openState(source),
      own: hiddenPolicy,
      events: this.#startEvents(),
    });
  }

  async #openState(source: StateSource): Promise<boolean> {
    if ('sent' in source) {
      await this.#receiver.receive(source.sent);
      return true;
    }
    const isOpen = await openAddressState(source, {
      notices: this.#notices,
      opener: this.#opener,
      newMachine: this.#newMachine,
    });
    if (isOpen) this.#update.updateByItself();
    return isOpen;
  }

  #startEvents(): StartEvents {
    const events = startEvents({
      session: this.#session,
      address: this.#address,
      notices: this.#notices,
      reports: this.#reports,
      boot: this.#boot,
      end: this.#end,
      views: this.#views,
      update: this.#update,
      survival: this.#showSurvival,
      startFresh: this.#startFresh,
    });
    const opened = () => {
      const marked = this.#starter.isNewHere ? this.#marked : undefined;
      void showLost(this.#session, this.#notices, marked);
      noteVisit();
    };
    return { ...events, opened };
  }
}
