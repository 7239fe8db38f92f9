/** The setting "suspend while no page shows it, after…". Off by default. */
import type { MachineConfig } from '../../protocol/config.ts';
import { readSetting } from '../ui/settings.ts';

const setting = 'suspend-when-hidden-ms';

/** The part of a configuration that the setting fills in. */
export function hiddenPolicy(): Pick<MachineConfig, 'suspendWhenHiddenMs'> {
  const limitMs = Number(readSetting(setting) ?? '');
  return Number.isInteger(limitMs) && limitMs > 0 ? { suspendWhenHiddenMs: limitMs } : {};
}
