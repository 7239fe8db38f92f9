/** Finding a moment at which no device operation is under way. */
import { CprError } from '../errors.ts';
import type { InFlight } from './disks/in-flight.ts';
import type { RunLoop } from './run-loop.ts';

/**
 * Together below the ten seconds that the keeper gives a stop. While the guest runs, the end of an
 * operation is such a moment unless another drive is at work too, so there is little to be gained
 * by stopping it, and it stands still only when that does not help.
 */
const limitsMs = { running: 5000, stopped: 3000 } as const;

/**
 * Resolves when nothing is under way, in the task in which the last operation ended: whoever goes on
 * from there without leaving that task finds the guest before its next instruction.
 * @throws CprError `blocked` when an operation does not end; the guest goes on
 */
export async function quiesce(
  inFlight: InFlight,
  loop: Pick<RunLoop, 'hold'>,
  { running, stopped }: { running: number; stopped: number } = limitsMs,
): Promise<void> {
  if (await inFlight.whenIdle(running)) return;
  const release = loop.hold();
  if (await inFlight.whenIdle(stopped)) {
    // For a caller who does not take the guest after all.
    setTimeout(release);
    return;
  }
  release();
  const [operation] = inFlight.operations;
  throw new CprError(
    'blocked',
    `${operation?.device ?? 'A disk'} has been waiting for its data for too long. Try again when its file or server can be reached.`,
  );
}
