/** The notice about the machine that keeps running after the visitor started another one. */
import { HoldfastError } from '../../errors.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import { addressOf } from '../address/machine-address.ts';
import { errorText } from '../notices/error-text.ts';
import type { Notices } from '../notices/notices.tsx';
import type { Session } from '../session/session.ts';
import { suspendOther } from './suspend-other.ts';

const subject = 'previous-machine';

export interface PreviousMachine {
  id: string;
  status: MachineStatus;
}

/** The machine that keeps running when this page leaves it. Undefined where none does. */
export function previousMachine({
  machine,
  machineId,
  isWatching,
}: Session): PreviousMachine | undefined {
  const status = machine?.status;
  // If the worker ends with its page, the guest ends as well. Storage has its last checkpoint.
  if (!status || !machine.survivesReload || isWatching) return undefined;
  return status.runstate === 'running' ? { id: machineId, status } : undefined;
}

/** Shows that the machine keeps running, with buttons to return to it or to suspend it. */
export function notifyPreviousMachine(
  { id, status }: PreviousMachine,
  session: Session,
  notices: Notices,
): void {
  const { name, durable } = status.config;
  const suspend = async () => {
    try {
      await suspendOther(session, id);
      notices.show(subject, {
        tone: 'info',
        title: `“${name}” is suspended`,
        text: 'It takes no computing time until somebody uses it.',
        actions: [back],
      });
    } catch (thrown) {
      const error = HoldfastError.from(thrown, 'internal', 'It could not be suspended');
      notices.show(subject, {
        tone: 'warning',
        title: `“${name}” could not be suspended`,
        text: errorText(error, 'suspend').advice,
        detail: error.message,
        actions: [back],
      });
    }
  };
  const back = {
    label: 'Go back to it',
    run: () => location.assign(addressOf(id, document.baseURI)),
  };
  notices.show(subject, {
    tone: 'info',
    title: `“${name}” keeps running beside this machine`,
    text: durable
      ? 'Show or suspend it in the list of machines.'
      : 'It has no checkpoints, so it is not in the list of machines. Go back to it from here.',
    actions: [back, { label: 'Suspend it', run: () => void suspend() }],
  });
}
