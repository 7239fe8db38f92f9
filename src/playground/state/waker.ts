import type { Session } from '../session/session.ts';

/**
 * Wakes a suspended guest. While another operation is under way, such as the suspension itself on a busy
 * computer, waking waits for its end. No DOM.
 */
export function wakerOf(
  session: Pick<Session, 'status' | 'busy' | 'send' | 'onChange'>,
): () => void {
  let isWanted = false;
  const wake = () => {
    isWanted = session.status?.runstate === 'suspended';
    if (!isWanted || session.busy !== null) return;
    isWanted = false;
    session.send((machine) => machine.wakeup());
  };
  session.onChange(() => {
    if (isWanted && session.busy === null) wake();
  });
  return wake;
}
