/** Work after a guest resumes: from storage, from a state file, or as a copy. */
import type { StartSource } from '../../protocol/stored.ts';
import type { StoredSource } from '../cpr/restore-guest.ts';
import { notifyGuestAgent, randomMac } from '../durable/guest-agent.ts';
import type { HeldInput } from '../pages/page-input.ts';
import type { OperatedMachine } from './operated-machine.ts';

/** Resumes a guest that was restored from storage. */
export function postResumeStored(
  machine: OperatedMachine,
  origin: StoredSource,
  { isClone = false } = {},
): void {
  const { takenAtMs, fellBack } = origin.checkpoint;
  const startSource: StartSource = {
    kind: 'resumed',
    takenAtMs,
    resumedAtMs: Date.now(),
    ...(fellBack !== undefined && { fellBack }),
  };
  postResume(machine, { startSource, origin, isClone });
}

/**
 * Follows up on a guest that arrived from another keeper. Its agent does nothing: the gap is as short as
 * in a live update.
 */
export function postMigration(machine: OperatedMachine, held: readonly HeldInput[]): void {
  const { view, durability, consoles, input, terminals } = machine;
  durability.begin();
  input.arrived(held);
  view.startSource = { kind: 'migrated', arrivedAtMs: Date.now() };
  terminals.restored();
  consoles.flush();
  machine.pagesChanged();
  view.describe();
}

export function postResume(
  machine: OperatedMachine,
  {
    startSource,
    origin,
    isClone,
  }: { startSource: StartSource; origin?: StoredSource; isClone: boolean },
): void {
  const { view, durability, consoles, input, terminals } = machine;
  durability.begin(origin);
  input.forget();
  const wasTold = notifyGuest(machine, isClone);
  const isCopy = startSource.kind === 'resumed' || startSource.kind === 'opened';
  view.startSource =
    isClone && !wasTold && isCopy ? { ...startSource, isUnawareClone: true } : startSource;
  terminals.restored();
  consoles.flush();
  machine.pagesChanged();
  view.describe();
}

/**
 * Notifies the guest's agent, which fixes the effects of the gap. A clone gets a new network
 * address. Its guest's driver uses that address at once with an agent, else at its next start.
 * @returns true if an agent was notified
 */
function notifyGuest({ execution, backing, consoles }: OperatedMachine, isClone: boolean): boolean {
  const { commands } = execution.instance;
  const mac = isClone && backing.config.network !== 'none' ? randomMac() : undefined;
  if (mac) {
    commands.changeMac?.(mac);
    backing.config = { ...backing.config, mac };
  }
  const port = {
    output: (console: string) => consoles.text(console),
    consoleInput: (name: string, bytes: Uint8Array) => commands.consoleInput(name, bytes),
  };
  return notifyGuestAgent(port, { ...(mac !== undefined && { mac }) });
}
