/** A guest goes on after a gap: from storage, from a state file, or as a copy. */
import type { Arrival } from '../../protocol/stored.ts';
import type { Origin } from '../cpr/bring-back.ts';
import { putRight, randomMac } from '../durable/put-right.ts';
import type { OperatedMachine } from './operated-machine.ts';

/** Resumes a guest that was restored from storage. */
export function broughtBack(
  machine: OperatedMachine,
  origin: Origin,
  { isClone = false } = {},
): void {
  const { takenAtMs, fellBack } = origin.cut;
  const arrival: Arrival = {
    kind: 'resumed',
    takenAtMs,
    resumedAtMs: Date.now(),
    ...(fellBack !== undefined && { fellBack }),
  };
  goesOnAfterGap(machine, { arrival, origin, isClone });
}

export function goesOnAfterGap(
  machine: OperatedMachine,
  { arrival, origin, isClone }: { arrival: Arrival; origin?: Origin; isClone: boolean },
): void {
  const { view, durability, consoles, input, terminals } = machine;
  durability.begin(origin);
  input.forget();
  const wasTold = putGuestRight(machine, isClone);
  const isUnaware = isClone && !wasTold && arrival.kind !== 'booted';
  view.arrival = isUnaware ? { ...arrival, isUnawareClone: true } : arrival;
  terminals.restored();
  consoles.flush();
  machine.pagesChanged();
  view.describe();
}

/**
 * What in the guest only its agent can mend. A clone gets a network address of its own; its guest's
 * driver follows where there is an agent, else at its next start.
 * @returns whether an agent was told
 */
function putGuestRight(
  { execution, backing, consoles }: OperatedMachine,
  isClone: boolean,
): boolean {
  const { commands } = execution.instance;
  const mac = isClone && backing.config.network !== 'none' ? randomMac() : undefined;
  if (mac) {
    commands.changeMac?.(mac);
    backing.config = { ...backing.config, mac };
  }
  const port = {
    said: (console: string) => consoles.text(console),
    consoleInput: (name: string, bytes: Uint8Array) => commands.consoleInput(name, bytes),
  };
  return putRight(port, { ...(mac !== undefined && { mac }) });
}
