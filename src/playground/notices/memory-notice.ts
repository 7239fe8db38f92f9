/** The notice about a guest that waits for a part of its memory. */
import type { HoldfastErrorCode } from '../../errors.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import type { Session } from '../session/session.ts';
import type { Notice, Notices } from './notices.tsx';

const subject = 'memory';

export function showMemoryNotice(session: Session, notices: Notices): void {
  let shown: string | undefined;
  session.onChange(() => {
    const notice = session.status ? memoryNotice(session.status) : undefined;
    if (notice?.detail === shown) return;
    shown = notice?.detail;
    if (notice) notices.show(subject, notice);
    else notices.remove(subject);
  });
}

const reasons: Partial<Record<HoldfastErrorCode, string>> = {
  'state-changed':
    'The file that it was opened from is another one now. It continues if the file of before returns.',
  'bad-state-file':
    'The file that it was opened from is damaged now. It continues if the file of before returns.',
};

export function memoryNotice({ runstate, memory }: MachineStatus): Notice | undefined {
  if (runstate !== 'postcopy-paused' || !memory?.error) return undefined;
  const { code, message } = memory.error;
  const reason =
    reasons[code] ?? 'The server of its state does not answer. It continues when the server does.';
  return {
    tone: 'warning',
    title: 'The guest waits for the rest of its memory',
    text: `${reason} What has arrived is kept.`,
    detail: message,
  };
}
