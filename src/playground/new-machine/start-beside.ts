/** Starts a described machine beside the present one, and shows it on this page. */
import { randomId } from '../../protocol/random-id.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { addressOf } from '../address/machine-address.ts';
import { type PreviousMachine, previousMachine } from '../machines/previous-machine.ts';
import type { Session } from '../session/session.ts';
import { hiddenPolicy } from '../state/hidden-policy.ts';
import type { NewMachine } from './new-machine-dialog.tsx';
import { startMachine } from './start-machine.ts';

export interface StartBesideOptions {
  session: Session;
  /** Whether machines are saved whose options do not set `durable`. */
  durable: boolean;
  runtime(): RuntimeSource;
  /** The machine runs: the page moves to it now. */
  moving(): void;
  /** @param left the previous machine, if it keeps running */
  moved(left: PreviousMachine | undefined): void;
}

export async function startBeside(
  { options, isDemo, v86State, onProgress, signal }: NewMachine,
  { session, durable: isUsual, runtime, moving, moved }: StartBesideOptions,
): Promise<void> {
  const id = randomId();
  const { durable = isUsual } = options;
  const machine = await startMachine({
    options,
    isDemo,
    v86State,
    // A v86 state does not name its author.
    own: { ...hiddenPolicy(), id, durable, ...(v86State && { foreign: true }) },
    runtime: runtime(),
    connect: (machineId) => session.connectTo(machineId),
    onProgress,
    signal,
  });
  moving();
  const left = previousMachine(session);
  await session.moveTo(machine, id);
  history.pushState(null, '', addressOf(id, document.baseURI));
  // The Back button shows the previous machine, as its address does.
  window.addEventListener('popstate', () => location.reload(), { once: true });
  moved(left);
}
