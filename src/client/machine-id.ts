/** Id of the machine when the caller names none. */
export const defaultMachineId = 'default';

/** Ids are part of addresses and of worker and lock names: nothing else is let in. */
export function isMachineId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(text);
}
