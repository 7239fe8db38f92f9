import { HoldfastError } from '../../errors.ts';
import type { Session } from '../session/session.ts';

/**
 * Suspends a machine that runs in a worker of its own beside the one that this page shows.
 * @throws HoldfastError `bad-runstate` if it does not run, `not-found` if another tab runs it alone
 */
export async function suspendOther(session: Session, id: string): Promise<void> {
  const machine = await session.connectTo(id);
  try {
    if (machine.status === null)
      throw new HoldfastError(
        'not-found',
        'It runs in a worker of another tab alone: suspend it there.',
      );
    await machine.suspend();
  } finally {
    machine.close();
  }
}
