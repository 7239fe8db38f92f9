import type { Session } from './session/session.ts';

/** Marks the page while what it shows runs in another tab, for its styles. */
export function markViewOnly(session: Session): void {
  session.onChange(() => {
    document.body.classList.toggle('view-only', session.isWatching);
  });
}
