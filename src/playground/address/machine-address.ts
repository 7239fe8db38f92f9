/** The address of a machine: `?machine=ID`. The default machine has no id in its address. No DOM. */
import { defaultMachineId } from '../../index.ts';

/** The address of the page that shows this machine, without what was asked of the present one. */
export function addressOf(id: string, base: string): string {
  const url = new URL('./', base);
  if (id !== defaultMachineId) url.searchParams.set('machine', id);
  return url.href;
}
