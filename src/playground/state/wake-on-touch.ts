import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { wakerOf } from './waker.ts';

/**
 * Wakes a suspended guest when the user touches its consoles. Input wakes it as well, but not every click
 * or key is input: a guest may have no mouse.
 */
export function wakeOnTouch(session: Session): void {
  const wake = wakerOf(session);
  for (const id of ['terminal', 'screen', 'terminal-keys']) {
    const console = element(id, HTMLElement);
    // In the capture phase, because the terminal and the screen stop the events.
    for (const type of ['pointerdown', 'keydown', 'input'])
      console.addEventListener(type, wake, { capture: true });
  }
}
