/** A machine's configuration on its way to another keeper, and the contents that only this one has. */
import { HoldfastError } from '../../errors.ts';
import { carriedContents } from '../../protocol/carried-contents.ts';
import type { DriveSource, ImageSource, MachineConfig } from '../../protocol/config.ts';
import { imageKeys } from '../../protocol/images.ts';
import type { CheckedGuest } from '../../protocol/migration.ts';
import { toPortableUrl } from '../../protocol/portable-url.ts';
import type { JsonObject } from '../../vmstate/json.ts';
import { layOutMemory } from '../checkpoint/memory-layout.ts';
import { refused } from './refused.ts';

/**
 * @param siteUrl set for another host: URLs under it become relative to any site's
 * @throws HoldfastError `bad-config` for a file of this computer, which another host cannot have
 */
export function portableConfig(config: MachineConfig, siteUrl?: string): JsonObject {
  const portable: Record<string, unknown> = { ...config };
  for (const name of imageKeys) {
    const source = config[name];
    if (source) portable[name] = portableSource(source, siteUrl);
  }
  return JSON.parse(JSON.stringify(portable)) as JsonObject;
}

function portableSource(source: ImageSource | DriveSource, siteUrl: string | undefined): object {
  if ('emptyBytes' in source) return source;
  if ('url' in source)
    return siteUrl === undefined ? source : { ...source, url: portableUrl(source.url, siteUrl) };
  return { contents: carriedContents(source) };
}

/** Whether nothing of a configuration was replaced since. */
export function isSameConfig(before: MachineConfig | undefined, now: MachineConfig): boolean {
  const names = Object.keys({ ...before, ...now }) as (keyof MachineConfig)[];
  return names.every((name) => before?.[name] === now[name]);
}

function portableUrl(url: string, siteUrl: string): string {
  const portable = toPortableUrl(url, siteUrl);
  if (!portable.startsWith('file:')) return portable;
  throw new HoldfastError(
    'bad-config',
    `${url} is on this computer, where the other host cannot have it. Eject it, or give the machine its bytes.`,
  );
}

/**
 * Reads the configuration of a guest that arrives from a keeper of this site, which is believed.
 * @throws HoldfastError `migration-refused`
 */
export function checkedConfig(portable: JsonObject): CheckedGuest {
  const config: Record<string, unknown> = { ...portable };
  const carried = takeCarried(config);
  const checked = config as unknown as MachineConfig;
  requireRoom(checked);
  return { config: checked, carried };
}

/** @throws HoldfastError `migration-refused` for a guest that is larger than a machine may be */
export function requireRoom(config: MachineConfig): void {
  try {
    layOutMemory(config);
  } catch (thrown) {
    throw refused(`The guest has no room here. ${(thrown as Error).message}`, thrown);
  }
}

function takeCarried(config: Record<string, unknown>): CheckedGuest['carried'] {
  const carried: CheckedGuest['carried'] = new Map();
  for (const key of imageKeys) {
    const { contents } = Object(config[key]);
    if (contents === undefined) continue;
    const { kind, name, lastModifiedMs, sizeBytes } = Object(contents);
    const isWhole =
      (kind === 'bytes' || kind === 'file') &&
      typeof name === 'string' &&
      Number.isFinite(lastModifiedMs) &&
      Number.isSafeInteger(sizeBytes) &&
      sizeBytes >= 0;
    if (!isWhole) throw refused(`The source does not say what "${key}" of the guest is.`);
    carried.set(key, { kind, name, lastModifiedMs, sizeBytes });
    delete config[key];
  }
  return carried;
}
