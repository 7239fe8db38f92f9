/** The setting "suspend while no page shows it, after…". Off by default. */
import type { MachineConfig } from '../../protocol/config.ts';
import { readSetting } from '../ui/settings.ts';

const setting = 'suspend-when-hidden-ms';

/** What of it goes into the configuration of a machine. */
export function hiddenPolicy(): Pick<MachineConfig, 'suspendWhenHiddenMs'> {
  const limitMs = Number(readSetting(setting) ?? '');
  return Number.isInteger(limitMs) && limitMs > 0 ? { suspendWhenHiddenMs: limitMs } : {};
}
