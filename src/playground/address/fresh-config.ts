/** Starting fresh: what a machine boots whose address says nothing about it. */
import type { MachineConfig } from '../../protocol/config.ts';

/**
 * The configuration that boots the visitor's own machine again. The keeper holds contents that the
 * page does not have, such as a kernel file.
 */
export function freshConfig(made: MachineConfig | undefined): MachineConfig | undefined {
  if (!made) return undefined;
  // The new one is a clone of nothing, with an address of its own.
  const { openedFrom: _, mac: _mac, ...config } = made;
  return config;
}
