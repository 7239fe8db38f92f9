/** The question before a state replaces a machine. No DOM. */

import { defaultMachineId } from '../../client/machine-id.ts';
import { HoldfastError } from '../../errors.ts';
import type { StoredMachineInfo } from '../../protocol/stored.ts';

export interface Place {
  machineId: string;
  /** Whether a machine of this id runs or is stopped in this page's keeper. */
  isHere: boolean;
  /** The result of {@link listed}. */
  stored: readonly Pick<StoredMachineInfo, 'id'>[] | undefined;
}

/** @returns `replace`: a machine may be replaced; `default`: the visitor's own place is empty */
export function questionBefore({ machineId, isHere, stored }: Place): 'replace' | 'default' | null {
  // An unreadable list may include this machine.
  if (isHere || !stored || stored.some(({ id }) => id === machineId)) return 'replace';
  return machineId === defaultMachineId ? 'default' : null;
}

/** @returns undefined if the browser has storage but cannot list it */
export async function listed(
  list: () => Promise<StoredMachineInfo[]>,
): Promise<StoredMachineInfo[] | undefined> {
  try {
    return await list();
  } catch (thrown) {
    const isNone = thrown instanceof HoldfastError && thrown.code === 'storage-unavailable';
    return isNone ? [] : undefined;
  }
}
