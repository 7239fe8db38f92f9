import { CprError } from '../errors.ts';
import type { MonitorMachine } from './machine.ts';

/**
 * A method that not every machine has, bound to its machine.
 * @throws CprError `keeper-incompatible`
 */
export function supported<K extends keyof MonitorMachine>(
  machine: MonitorMachine,
  name: K,
): NonNullable<MonitorMachine[K]> {
  const method = machine[name];
  if (typeof method === 'function') return method.bind(machine) as NonNullable<MonitorMachine[K]>;
  throw new CprError(
    'keeper-incompatible',
    `This machine has no ${name}: update its runtime, or start it anew with this page's keeper.`,
  );
}
