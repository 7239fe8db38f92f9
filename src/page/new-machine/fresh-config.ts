/** Starting fresh: what a machine boots whose address says nothing about it. */
import { imageKeys, type MachineConfig } from '../../protocol/config.ts';
import type { MachineStatus } from '../../protocol/events.ts';

/**
 * What the machine that is here was made of: a machine of the visitor's own boots from that again.
 * @returns undefined where its status does not hold all of it, as the contents of a picked kernel
 */
export function freshConfig(status: MachineStatus | null): MachineConfig | undefined {
  if (!status) return undefined;
  // The new one is a clone of nothing, with an address of its own.
  const { openedFrom: _, mac: _mac, ...config } = status.config;
  const isWhole = imageKeys.every((key) => {
    const source = config[key];
    return !source || !('bytes' in source) || source.bytes.length > 0;
  });
  return isWhole ? config : undefined;
}
