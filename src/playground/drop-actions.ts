/** Opens files that are dropped on the page. */

import type { DropActions } from './new-machine/drop-target.ts';
import type { NewMachineDialog } from './new-machine/new-machine-dialog.tsx';
import type { Notices } from './notices/notices.tsx';
import type { OperationReports } from './notices/operation-reports.ts';
import type { StateOpener } from './open-state/open-state.ts';
import type { Session } from './session/session.ts';
import type { MediaMenu } from './state/media-menu.ts';

interface Page {
  session: Session;
  notices: Notices;
  reports: OperationReports;
  opener: StateOpener;
  media: MediaMenu;
  newMachine: NewMachineDialog;
}

export function dropActions(page: Page): DropActions {
  const { status, isWatching } = page.session;
  const isLive = status?.runstate === 'running' || status?.runstate === 'paused';
  return {
    openState: (file) => void page.reports.attempt('open-state', () => page.opener.openFile(file)),
    isDescribing: page.newMachine.isOpen,
    describe: (images) => page.newMachine.open(images),
    insert: isLive && !isWatching ? (device, file) => page.media.insert(device, file) : undefined,
    refuse: (names) =>
      page.notices.show('dropped', {
        tone: 'warning',
        title: `Nothing here can use ${names.join(', ')}`,
        text: 'Drop an image of a CD, a disk or a floppy, a kernel, or a state file. Folders are chosen in Machine → New machine….',
      }),
  };
}
