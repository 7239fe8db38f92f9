/** Notices about a guest that ran before the page opened, or was restored. */
import type { MachineStatus } from '../../protocol/events.ts';
import type { UnknownOption } from '../address/unknown-options.ts';
import type { Session } from '../session/session.ts';
import { formatAge } from '../ui/format.ts';
import { actionLabel } from './error-texts.ts';
import type { Notices } from './notices.tsx';

/** @param reason why the newest generation could not be used */
export function showFellBack(notices: Notices, reason: string): void {
  notices.show('stored', {
    tone: 'warning',
    title: 'The newest checkpoint was damaged',
    text: 'The guest resumes from the one before it.',
    detail: reason,
  });
}

/** Warns, on the page that opened a clone, that its guest has no agent. */
export function showUnawareClone(session: Session, notices: Notices): void {
  let reportedAtMs = performance.timeOrigin;
  const look = ({ status: { startSource } }: { status: MachineStatus }) => {
    if (startSource?.kind !== 'opened' && startSource?.kind !== 'resumed') return;
    if (!startSource.isUnawareClone) return;
    const atMs = startSource.kind === 'opened' ? startSource.openedAtMs : startSource.resumedAtMs;
    if (atMs <= reportedAtMs) return;
    reportedAtMs = atMs;
    notices.show('clone', {
      tone: 'warning',
      title: 'This guest does not know that it is a copy',
      text: 'No agent in it could be told. Until it is booted again, every copy of this machine draws the same random numbers: make no keys or passwords in it before that.',
    });
  };
  session.onMachine((machine) => {
    notices.remove('clone');
    machine.on('status', look);
  });
}

interface GoneMachine {
  id: string;
  name: string;
  takenAtMs: number;
  leftAtMs?: number;
}

/**
 * Reports lost machines on the page that found the loss.
 * @param marked the machine that an earlier page had stored, if another guest is here now
 */
export async function showLost(
  session: Session,
  notices: Notices,
  marked: { name: string; takenAtMs: number } | undefined,
): Promise<void> {
  const usage = await session.machine?.storage.usage().catch(() => undefined);
  // Unreadable storage: try again after the first save. By then the page has removed the storage notice.
  if (!usage) return whenSaved(session, () => void showLost(session, notices, marked));
  const { discarded, lost = [] } = usage;
  const isNews = (atMs: number) => atMs >= performance.timeOrigin;
  const machines: GoneMachine[] = lost.filter(({ foundAtMs }) => isNews(foundAtMs));
  const id = session.machineId;
  if (marked && !machines.some((machine) => machine.id === id)) machines.push({ id, ...marked });
  const detail = discarded?.reason && { detail: discarded.reason };
  if (machines.length > 0 && machines.every(({ leftAtMs }) => leftAtMs !== undefined)) {
    const older = machines.map(
      ({ name, takenAtMs, leftAtMs = 0 }) =>
        `“${name}” resumes from ${new Date(leftAtMs).toLocaleString()}, ${formatAge(takenAtMs - leftAtMs)} before`,
    );
    notices.show('stored', {
      tone: 'warning',
      title:
        machines.length === 1
          ? 'The newest state of a machine is gone'
          : `The newest state of ${machines.length} machines is gone`,
      text: `The browser lost it, as after a crash or a full disk. An older one was found: ${older.join('; ')}.`,
      ...detail,
    });
  } else if (machines.length > 0) {
    const names = machines.map(
      ({ name, takenAtMs }) => `“${name}” until ${new Date(takenAtMs).toLocaleString()}`,
    );
    notices.show('stored', {
      tone: 'warning',
      title:
        machines.length === 1
          ? 'The stored data of a machine is gone'
          : `The stored data of ${machines.length} machines is gone`,
      text: `The browser lost or deleted the data of this site, as after a crash or a full disk. Stored were ${names.join(', ')}. Guests are saved again from now on.`,
      ...detail,
    });
  } else if (discarded && isNews(discarded.atMs) && session.guestSource === 'booted') {
    notices.show('stored', {
      tone: 'warning',
      title: 'The browser discarded the storage of this site',
      text: 'Its files were damaged, as after a crash or a full disk, and it made new ones. The stored machines are gone. Guests are saved again from now on.',
      ...detail,
    });
  }
}

function whenSaved(session: Session, run: () => void): void {
  let isDone = false;
  session.onChange(() => {
    if (isDone || session.status?.durability?.state !== 'saved') return;
    isDone = true;
    run();
  });
}

/**
 * Options in the address have no effect on a guest that runs already.
 * @param askedMiB the memory that the address requests
 */
export function showOtherMemory(
  notices: Notices,
  { config: { memoryMiB } }: MachineStatus,
  askedMiB: number,
  startFresh: () => void,
): void {
  if (askedMiB === memoryMiB) return;
  notices.show('options', {
    tone: 'info',
    title: `This guest has ${memoryMiB} MiB of RAM, not ${askedMiB}`,
    text: 'It was started before this page. Options in the address apply when a guest is started.',
    actions: [{ label: actionLabel['start-fresh'], run: startFresh }],
  });
}

export function showUnknownOptions(notices: Notices, unknown: readonly UnknownOption[]): void {
  notices.show('unknown-options', {
    tone: 'info',
    title: 'The address has options that this page does not know',
    text: 'They are ignored. The help lists the options.',
    items: unknown.map(({ option }) => ({ what: 'Option', value: `?${option}` })),
  });
}
