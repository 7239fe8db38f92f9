import type { HoldfastError } from '../../errors.ts';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { ShareDialog } from './share-dialog.tsx';

/**
 * The button that opens the dialog.
 * @param unseen called with an error that needs a decision, after the dialog was closed
 */
export function setUpShareButton(session: Session, unseen: (error: HoldfastError) => void): void {
  const button = element('share', HTMLButtonElement);
  button.title = 'Send this machine, as it is now, as a link or a file';
  button.addEventListener('click', () => {
    if (session.status) new ShareDialog(session, session.status.config, unseen);
  });
  const show = () => {
    const { status, busy, isWatching } = session;
    const isLive = ['running', 'paused', 'suspended'].includes(status?.runstate ?? '');
    button.disabled = !isLive || busy !== null || isWatching;
  };
  session.onChange(show);
  show();
}
