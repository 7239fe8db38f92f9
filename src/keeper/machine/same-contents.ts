/** A machine that starts anew from what another was made of: contents that no page has. */
import { CprError } from '../../errors.ts';
import { hollowImages, type MachineConfig } from '../../protocol/config.ts';
import { storedConfig } from '../cpr/stored-details.ts';
import type { OpenStore } from '../cpr/targets.ts';
import type { MachineHost } from './machine-host.ts';

/**
 * Fills in the images of which `config` has the description alone.
 * @param present the machine that has them; absent: the one in storage under its id
 * @throws CprError `image-unavailable` naming those that are nowhere
 */
export async function withContents(
  config: MachineConfig,
  present: Pick<MachineHost, 'backing'> | undefined,
  openStore: OpenStore | undefined,
): Promise<MachineConfig> {
  const hollow = hollowImages(config);
  const source = present?.backing.config ?? (await inStorage(config.id, openStore));
  const full = source ? { ...config, ...pick(source, hollow) } : config;
  const missing = hollowImages(full);
  if (missing.length === 0) return full;
  throw new CprError(
    'image-unavailable',
    `The contents of ${missing.join(' and ')} are not there any more: describe the machine anew, with the file.`,
  );
}

async function inStorage(
  id: string | undefined,
  openStore: OpenStore | undefined,
): Promise<MachineConfig | undefined> {
  return id !== undefined && openStore ? storedConfig(await openStore(), id) : undefined;
}

function pick<K extends keyof MachineConfig>(
  config: MachineConfig,
  keys: readonly K[],
): Partial<Pick<MachineConfig, K>> {
  const found = keys.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]]));
  return Object.fromEntries(found) as Partial<Pick<MachineConfig, K>>;
}
