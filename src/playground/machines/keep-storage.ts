/** Asks the browser, once and without a prompt, not to clear what is stored when its disk is full. */
import type { Session } from '../session/session.ts';

/** After the first checkpoint: from then on there is something that could be lost. */
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
    // What it answers stands in the list of machines, where it can be asked again.
    if (await isSilent()) await session.machine?.storage.persist();
  } catch (thrown) {
    console.info('The browser was not asked to keep what is stored:', thrown);
  }
}

/** Chromium decides by itself; elsewhere a prompt out of nowhere would be in the way. */
async function isSilent(): Promise<boolean> {
  if ('userAgentData' in navigator) return true;
  const { state } = await navigator.permissions.query({ name: 'persistent-storage' });
  return state === 'granted';
}
