/** Shows the start of a guest, and the guest once it runs. */
import type { UrlOptions } from '../address/page-options.ts';
import type { LiveUpdate } from '../live-update/live-update.ts';
import type { GuestEnd } from '../notices/guest-end.ts';
import { showFellBack, showOtherMemory } from '../notices/guest-notices.ts';
import type { Notices } from '../notices/notices.tsx';
import type { OperationReports } from '../notices/operation-reports.ts';
import type { PaneViews } from '../panes/pane-views.ts';
import type { Session } from '../session/session.ts';
import type { BootBar } from './boot-bar.ts';
import type { StartEvents } from './guest-starter.ts';
import { typeFromAddress } from './typed-from-address.ts';

export interface StartEventsOptions {
  session: Session;
  address: UrlOptions;
  notices: Notices;
  reports: OperationReports;
  boot: BootBar;
  end: GuestEnd;
  views: PaneViews;
  update: LiveUpdate;
  /** Shows whether a guest outlives the page, if it does not. */
  survival(): void;
  startFresh(): Promise<boolean>;
}

export function startEvents(options: StartEventsOptions): Omit<StartEvents, 'opened'> {
  const { notices, boot, end, views, update, survival } = options;
  const { terminal } = views;
  return {
    connected: survival,
    starting(how) {
      boot.begin();
      notices.remove('stored');
      notices.remove(how === 'new' ? 'run' : 'resume-stored');
      if (how === 'new') end.expectAnother();
    },
    failed: () => boot.end(),
    expectNewMachine: () => terminal.expectNewMachine(),
    newMachineBegan: () => terminal.newMachineBegan(),
    resumed({ takeOver }, fellBack) {
      if (takeOver) survival();
      if (fellBack) showFellBack(notices, fellBack);
      update.updateByItself();
    },
    booted: (prompt) => typeInto(options, prompt),
    attached: () => attached(options),
  };
}

function typeInto(
  { session, address, notices, reports, views }: StartEventsOptions,
  prompt?: string,
) {
  const { typed } = address;
  const { machine } = session;
  if (!typed || !machine) return;
  const screenText = () => views.screen.text();
  void reports.attempt('input', () =>
    typeFromAddress({ machine, notices, typed, prompt, screenText }),
  );
}

/** Reports how the guest was started before this page asked for it. */
function attached({ session, address, notices, update, startFresh }: StartEventsOptions): void {
  const { startSource } = session.status ?? {};
  // preload.ts resumed or opened this guest, so the page reports it as resumed or booted.
  const { timeOrigin } = performance;
  const isResumed = startSource?.kind === 'resumed' && startSource.resumedAtMs >= timeOrigin;
  const isOpened = startSource?.kind === 'opened' && startSource.openedAtMs >= timeOrigin;
  session.attached(isResumed ? 'resumed' : isOpened ? 'booted' : 'attached');
  if (isResumed && startSource.fellBack) showFellBack(notices, startSource.fellBack);
  const { status } = session;
  const { memoryMiB } = address;
  if (status && memoryMiB !== undefined)
    showOtherMemory(notices, status, memoryMiB, () => void startFresh());
  update.updateByItself();
}
