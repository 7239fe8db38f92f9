/** The address of a machine: `?machine=ID`. The default machine has no id in its address. No DOM. */
import { defaultMachineId } from '../../index.ts';

/** Address of the page for this machine, without the present options. */
export function addressOf(id: string, base: string): string {
  const url = new URL('./', base);
  if (id !== defaultMachineId) url.searchParams.set('machine', id);
  return url.href;
}
