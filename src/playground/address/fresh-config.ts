/** Starting fresh: what a machine boots whose address says nothing about it. */
import type { MachineConfig } from '../../protocol/config.ts';

/**
 * What the machine was made of: a machine of the visitor's own boots from that again. Contents that
 * the page does not have, as those of a picked kernel, the keeper has.
 */
export function freshConfig(made: MachineConfig | undefined): MachineConfig | undefined {
  if (!made) return undefined;
  // The new one is a clone of nothing, with an address of its own.
  const { openedFrom: _, mac: _mac, ...config } = made;
  return config;
}
