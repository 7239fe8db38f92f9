/** The whole page, made of its parts once the browser and the address are found fit for a guest. */
import { type RuntimeBuild, runtimes } from 'virtual:holdfast-build';
import type { Machine } from '../client/types.ts';
import { HoldfastError } from '../errors.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { UrlOptions } from './address/page-options.ts';
import type { UnknownOption } from './address/unknown-options.ts';
import { dropActions } from './drop-actions.ts';
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
import { Notices } from './notices/notices.tsx';
import { OperationReports } from './notices/operation-reports.ts';
import { showSurvival } from './notices/survival-notice.ts';
import { openAddressState } from './open-state/address-state.ts';
import { StateOpener } from './open-state/open-state.ts';
import { PaneViews } from './panes/pane-views.ts';
import { runShortcut } from './run-shortcut.ts';
import type { Operation } from './session/operation.ts';
import type { Session } from './session/session.ts';
import { setUpShareButton } from './share/share-button.ts';
import { AddressApproval } from './start/address-approval.ts';
import { BootBar } from './start/boot-bar.ts';
import { loadDescribed } from './start/guest.ts';
import { GuestStarter } from './start/guest-starter.ts';
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

export function compose(session: Session, address: UrlOptions): Page {
  const marked = storedMark(session.machineId);
  markStored(session);
  const notices = new Notices(element('notices', HTMLElement));
  const survival = () => showSurvival(session, address, notices);
  const runtime = (): RuntimeBuild => {
    const build = address.runtime ?? runtimes[0];
    if (build) return build;
    throw new HoldfastError('runtime-unavailable', 'This build ships no emulator.');
  };

  new StateLine(session);
  const boot = new BootBar(session);
  const views = new PaneViews(session, notices);
  const { terminal } = views;
  const reports = new OperationReports({
    session,
    notices,
    reconnect: () => void starter.open(),
    startFresh: () => buttons.askStartFresh(),
    saveRest: () =>
      saveStored(session, { id: session.machineId, name: '' }, { kind: 'everything' }),
  });
  const attempt = (operation: Operation, work: () => Promise<unknown>) =>
    void reports.attempt(operation, work);
  showUnawareClone(session, notices);
  showDiskNotices({ session, notices, reports });
  const buttons = new MachineButtons(session, {
    attempt,
    startFresh: () => void starter.start(true),
    storedGuest: () => stored.replaced,
  });

  const newMachine = new NewMachineDialog((machine) =>
    startBeside(machine, {
      session,
      durable: address.durable,
      runtime: () => runtimeSource(runtime()),
      moving: () => {
        end.expectAnother();
        notices.clear();
        boot.begin();
      },
      moved: (left) => {
        starter.moved();
        survival();
        if (left) notifyPreviousMachine(left, session, notices);
      },
    }),
  );
  const openInPage = async (open: (runtime: RuntimeSource) => Promise<void>) => {
    boot.begin();
    end.expectAnother();
    try {
      terminal.expectNewMachine();
      await open(runtimeSource(runtime()));
      terminal.newMachineBegan();
    } finally {
      boot.end();
    }
  };
  const opener = new StateOpener({
    session,
    durable: address.durable,
    openInPage,
    describe: (v86State) => newMachine.open({ v86State }),
  });
  setUpShareButton(session);
  const menu = new MachineMenu(session, {
    attempt,
    expectNewMachine: () => terminal.expectNewMachine(),
    newMachineBegan: () => terminal.newMachineBegan(),
    openStateFile: (file) => opener.openFile(file),
    newMachine: () => newMachine.open(),
    notices,
  });
  const { media } = menu;
  new DropTarget(() => dropActions({ session, notices, reports, opener, media, newMachine }));
  new RunstateBar(session, menu);
  wakeOnTouch(session);
  markViewOnly(session);
  const update = new LiveUpdate(session, (error, again) =>
    reports.report(error, 'live-update', again),
  );
  new DurabilityNotice({
    session,
    notices,
    resumeStored: () => void starter.resume({ replace: true }),
    attempt: (work) => attempt('storage', work),
  });
  keepStorage(session);
  const machines = new MachineList({ session, createMachine: () => newMachine.open() });
  element('machines', HTMLButtonElement).addEventListener('click', () => void machines.open());
  const startFresh = () => buttons.askStartFresh();
  const neededFiles = new NeededFiles({ session, notices, startFresh });
  const stored = new StoredGuest({
    session,
    notices,
    boot: (durable) => starter.start(false, durable && address.durable),
    startFresh,
    resume: (how) => starter.resume(how),
    failed: (error, again) => reports.report(error, 'storage', again),
    showMachines: () => void machines.open(),
  });
  session.onFailure((error, operation) => reports.report(error, operation));
  const end = new GuestEnd({
    session,
    notices,
    reports,
    watch: () => void stored.watch(),
    loadState: () => void menu.askLoad(),
    startFresh: () => void startFresh(),
  });

  const approval = new AddressApproval(address);
  const starter: GuestStarter = new GuestStarter({
    session,
    address,
    reports,
    stored,
    neededFiles,
    runtime,
    approve: () => approval.require(),
    load: () => loadDescribed(address, document.baseURI),
    takePreloaded: takePreloadedPrompt,
    openState: async (source) => {
      const isOpen = await openAddressState(source, { notices, opener, newMachine });
      if (isOpen) update.updateByItself();
      return isOpen;
    },
    own: hiddenPolicy,
    events: {
      ...startEvents({
        session,
        address,
        notices,
        reports,
        boot,
        end,
        views,
        update,
        survival,
        startFresh,
      }),
      opened: () => {
        void showLost(session, notices, starter.isNewHere ? marked : undefined);
        noteVisit();
      },
    },
  });
  setUpShortcuts((shortcut) => runShortcut(shortcut, { views, buttons, update }));
  views.keepFocus();

  return {
    open: () => starter.open(),
    showUnknown: (unknown) => showUnknownOptions(notices, unknown),
    get machine() {
      return session.machine;
    },
    screenText: () => views.screen.text(),
    terminalText: () => terminal.text(),
    terminalSize: () => terminal.size,
  };
}
