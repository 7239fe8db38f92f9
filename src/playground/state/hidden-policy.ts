/** The setting "suspend while no page shows it, after…". Off by default. */
import type { MachineConfig } from '../../protocol/config.ts';
import { element } from '../ui/element.ts';
import { readSetting, writeSetting } from '../ui/settings.ts';

const setting = 'suspend-when-hidden-ms';

/** What of it goes into the configuration of a machine. */
export function hiddenPolicy(): Pick<MachineConfig, 'suspendWhenHiddenMs'> {
  const limitMs = Number(readSetting(setting) ?? '');
  return Number.isInteger(limitMs) && limitMs > 0 ? { suspendWhenHiddenMs: limitMs } : {};
}

export function setUpHiddenPolicy(): void {
  const select = element('setting-suspend', HTMLSelectElement);
  select.value = String(hiddenPolicy().suspendWhenHiddenMs ?? '');
  select.addEventListener('change', () => writeSetting(setting, select.value || null));
}
