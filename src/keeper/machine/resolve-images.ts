/** Finds the image data that a page describes but does not hold: another machine, or storage, has it. */
import { HoldfastError } from '../../errors.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { imagesWithoutData } from '../../protocol/images.ts';
import { storedConfig } from '../cpr/stored-details.ts';
import type { OpenStore } from '../cpr/targets.ts';
import type { MachineHost } from './machine-host.ts';

/**
 * Fills in the images that `config` describes without their data.
 * @param present the machine that has the data; absent: the one in storage under the id of `config`
 * @throws HoldfastError `image-unavailable` naming those that are nowhere
 */
export async function resolveImages(
  config: MachineConfig,
  present: Pick<MachineHost, 'backing'> | undefined,
  openStore: OpenStore | undefined,
): Promise<MachineConfig> {
  const described = imagesWithoutData(config);
  const source = present?.backing.config ?? (await inStorage(config.id, openStore));
  const full = source ? { ...config, ...pick(source, described) } : config;
  const missing = imagesWithoutData(full);
  if (missing.length === 0) return full;
  throw new HoldfastError(
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
