/** A machine described by the address of the page, with the option names of v86's own page. No DOM. */
import type { MachineConfig } from '../../protocol/config.ts';
import { type ImageName, imageKeys } from '../../protocol/images.ts';
import { checkConflicts } from '../../protocol/options/check-options.ts';
import { optionsInConfig } from '../../protocol/options/in-config.ts';
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import { isAllowed } from '../../protocol/options/option.ts';
import { optionNames, optionTable } from '../../protocol/options/option-table.ts';
import { reachedFile, reachOf, toBeAsked } from '../../protocol/reach.ts';
import type { Refuse } from './refuse.ts';
import { readDrives } from './url-drives.ts';
import { readNinep, type UrlNinep } from './url-ninep.ts';

/** Options of the machine in the address. The guest or the defaults supply all others. */
export interface UrlMachine {
  images: Partial<Pick<MachineConfig, ImageName>>;
  share?: UrlNinep;
  settings: Partial<Omit<MachineConfig, ImageName>>;
}

const urlNamesOf = (option: keyof MachineOptions) => optionTable[option].url ?? [];
const allUrlNames = optionNames.flatMap(urlNamesOf);

/** All names that describe a machine. */
export const machineUrlNames: readonly string[] = allUrlNames.map(({ name }) => name);

/** For the help dialog. */
export const machineOptionHelp = allUrlNames.flatMap(({ name, help }) =>
  help ? [[`?${name}=${help[0]}`, help[1]] as const] : [],
);

/**
 * @param base the URL that relative addresses are resolved against
 * @returns undefined if the address describes no machine
 */
export function parseUrlMachine(
  query: URLSearchParams,
  base: string,
  refuse: Refuse,
): UrlMachine | undefined {
  const options: Record<string, unknown> = readDrives(query, base, refuse);
  for (const option of optionNames) {
    const { allowed: usual } = optionTable[option];
    for (const { name, fromText, allowed = usual } of urlNamesOf(option)) {
      const text = query.get(name);
      if (text === null || !fromText) continue;
      const value = fromText(text, base);
      if (value === undefined) continue;
      if (isAllowed(optionTable[option], value)) options[option] = merged(options[option], value);
      else refuse(name, text, allowed);
    }
  }
  for (const { option, allowed } of checkConflicts(options, shownName)) {
    const { name } = urlNamesOf(option).find((one) => query.has(one.name)) ?? { name: option };
    refuse(name, query.get(name) ?? '', allowed);
  }
  const share = readNinep(query, base, refuse);
  if (share) {
    const index = 'filesystem.basefs';
    if (options.filesystem9p === false)
      refuse(index, query.get(index) ?? '', 'given without filesystem=0');
    // Some guests of this site have no share.
    options.filesystem9p = true;
  }
  if (Object.keys(options).length === 0) return undefined;
  const found: UrlMachine = { images: {}, settings: {}, ...(share && { share }) };
  for (const [option, value] of Object.entries(optionsInConfig(options))) {
    const isImage = imageKeys.some((name) => name === option);
    Object.assign(isImage ? found.images : found.settings, { [option]: value });
  }
  return found;
}

const merged = (before: unknown, value: unknown): unknown =>
  typeof before === 'object' ? { ...before, ...Object(value) } : value;

/** The name in messages of the option's source. */
const shownName = (option: keyof MachineOptions): string =>
  option === 'hda' ? 'hda.url or hda.empty' : (urlNamesOf(option)[0]?.name ?? option);

/** Files and folders that the address requests from other origins. */
export function foreignFiles({ images, share }: UrlMachine, pageUrl: string): string[] {
  const folders = [share?.index, share?.base].filter((url) => url !== undefined);
  const reached = [
    ...reachOf(images, pageUrl),
    ...folders.map((url) => reachedFile('base', url, pageUrl)),
  ];
  return toBeAsked(reached).map(({ url }) => url);
}
