import type { Session } from '../session/session.ts';

/**
 * Wakes a suspended guest. While the page does something else with it, as on a busy computer while the
 * answer to the suspension is still on its way, the guest is woken as soon as that is done. No DOM.
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
