/** Boots the machine again if the address does not describe it. */
import type { MachineConfig } from '../../protocol/config.ts';

/**
 * The configuration that boots the visitor's own machine again. The keeper holds contents that the
 * page does not have, such as a kernel file.
 */
export function freshConfig(made: MachineConfig | undefined): MachineConfig | undefined {
  if (!made) return undefined;
  // The new machine has no original, and gets an address of its own.
  const { openedFrom: _, mac: _mac, ...config } = made;
  return config;
}
