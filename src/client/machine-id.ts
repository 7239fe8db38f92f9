/** Id of the machine when the caller names none. */
export const defaultMachineId = 'default';

/**
 * Returns true for a valid id. Ids are part of addresses and of worker and lock names, so that no
 * other characters are allowed.
 */
export function isMachineId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(text);
}
