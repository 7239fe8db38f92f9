import type { Session } from './session/session.ts';

/** Marks the page, for its styles, while its guest runs in another tab. */
export function markViewOnly(session: Session): void {
  session.onChange(() => {
    document.body.classList.toggle('view-only', session.isWatching);
  });
}
