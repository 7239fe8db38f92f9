/** The page of a machine: `?machine=ID`, and without it that of the default one. No DOM. */
import { defaultMachineId } from '../../index.ts';

/** The address of the page that shows this machine, without what was asked of the present one. */
export function addressOf(id: string, base: string): string {
  const url = new URL('./', base);
  if (id !== defaultMachineId) url.searchParams.set('machine', id);
  return url.href;
}
