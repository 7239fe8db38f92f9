/** Notices about a guest that waits for a disk, or received a disk error. */
import type { RemovableDriveName } from '../../protocol/config.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import type { Session } from '../session/session.ts';
import type { Notice, Notices } from './notices.tsx';
import type { OperationReports } from './operation-reports.ts';

type DiskEvent = Extract<MachineEvent, { type: 'disk' }>;

const names: Record<string, string> = {
  hda: 'hard disk (hda)',
  hdb: 'second hard disk (hdb)',
  cdrom: 'CD',
  fda: 'floppy (fda)',
  fdb: 'second floppy (fdb)',
  boot: 'kernel or firmware',
};

interface DiskNoticesOptions {
  session: Session;
  notices: Notices;
  reports: OperationReports;
}

export function showDiskNotices({ session, notices, reports }: DiskNoticesOptions): void {
  const eject = (device: RemovableDriveName) =>
    void reports.attempt('change-medium', () =>
      session.run('change-medium', (machine) => machine.ejectMedia(device)),
    );
  const show = (event: DiskEvent) => {
    const subject = `disk-${event.device}`;
    const notice = noticeOf(event, eject);
    if (notice) notices.show(subject, notice);
    else notices.remove(subject);
  };
  session.onMachine((machine) => {
    for (const device of Object.keys(names)) notices.remove(`disk-${device}`);
    machine.on('disk', show);
  });
}

function noticeOf(
  { device, state, message }: DiskEvent,
  eject: (device: RemovableDriveName) => void,
): Notice | undefined {
  const name = names[device] ?? device;
  switch (state) {
    case 'waiting': {
      if (device === 'boot')
        return {
          tone: 'warning',
          title: `The guest boots again and waits for its ${name}`,
          text: 'It continues when the server answers. Until then it is not saved; the stored checkpoint is older.',
          detail: message,
        };
      const isRemovable = device === 'cdrom' || device === 'fda' || device === 'fdb';
      return {
        tone: 'warning',
        title: `The guest waits for its ${name}`,
        text: isRemovable
          ? 'It continues when the server or file answers. To continue without it, eject it. The guest is saved as always.'
          : 'It continues when the server or file answers. The guest is saved as always.',
        detail: message,
        ...(isRemovable && { actions: [{ label: 'Eject', run: () => eject(device) }] }),
      };
    }
    case 'failed':
      return {
        tone: 'error',
        title: `The guest got a read error from its ${name}`,
        text: 'The data that it asked for can no longer be read.',
        detail: message,
      };
    case 'ready':
      return undefined;
  }
}
