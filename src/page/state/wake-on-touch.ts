import { element } from '../element.ts';
import type { Session } from '../session.ts';

/**
 * Wakes a suspended guest when somebody touches its consoles. Input wakes it as well, but not every
 * click or key is input: a guest may have no mouse.
 */
export function wakeOnTouch(session: Session): void {
  const wake = () => {
    if (session.status?.runstate === 'suspended' && session.busy === null)
      session.send((machine) => machine.wakeup());
  };
  for (const id of ['terminal', 'screen', 'terminal-keys']) {
    const console = element(id, HTMLElement);
    // Captured: the terminal and the screen keep what they hear to themselves.
    for (const type of ['pointerdown', 'keydown', 'input'])
      console.addEventListener(type, wake, { capture: true });
  }
}
