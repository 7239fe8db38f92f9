/** Asks the browser, once and without a prompt, to keep the stored data when its disk is full. */
import type { Session } from '../session/session.ts';

/** After the first checkpoint, because before it there is nothing to lose. */
export function keepStorage(session: Session): void {
  let asked = false;
  session.onChange(() => {
    if (asked || session.status?.durability?.state !== 'saved') return;
    asked = true;
    void ask(session);
  });
}

async function ask(session: Session): Promise<void> {
  try {
    // The list of machines shows the browser's answer, and can ask again.
    if (await isSilent()) await session.machine?.storage.persist();
  } catch (thrown) {
    console.info('The browser was not asked to keep what is stored:', thrown);
  }
}

/**
 * Chromium decides without a prompt. In other browsers an unexpected prompt would disturb the visitor.
 */
async function isSilent(): Promise<boolean> {
  if ('userAgentData' in navigator) return true;
  const { state } = await navigator.permissions.query({ name: 'persistent-storage' });
  return state === 'granted';
}
