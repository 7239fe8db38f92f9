/** A machine's configuration as a state file holds it, and back. What comes from a file is not trusted. */
import { type BaseIssue, getDotPath, safeParse } from 'valibot';
import { HoldfastError } from '../errors.ts';
import { type CarriedContents, carriedContents } from '../protocol/carried-contents.ts';
import type { DriveSource, ImageSource, MachineConfig } from '../protocol/config.ts';
import { type ImageName, imageKeys } from '../protocol/images.ts';
import { fromPortableUrl } from '../protocol/options/foreign-url.ts';
import { optionNames, optionTable } from '../protocol/options/option-table.ts';
import { toPortableUrl } from '../protocol/portable-url.ts';
import { type Reached, reachOf } from '../protocol/reach.ts';
import type { JsonObject } from '../vmstate/json.ts';
import { badState } from './format/bad-state.ts';

export type SourceName = ImageName;

export interface CheckedConfig {
  /** Without the contents in {@link carried}. */
  config: MachineConfig;
  /** Files and bytes that travel within the state. */
  carried: Map<SourceName, CarriedContents>;
  /** Everything that such a machine fetches or connects to. */
  urls: Reached[];
}

const namesInFile = optionNames.filter((name) => optionTable[name].inStateFile !== 'never');

/** @param siteUrl address of the site's root: URLs under it become relative to any site's */
export function portableConfig(config: MachineConfig, siteUrl: string): JsonObject {
  const portable: Record<string, unknown> = { lineage: config.lineage };
  for (const name of namesInFile) portable[name] = config[name];
  for (const name of imageKeys) {
    const source = config[name];
    if (source) portable[name] = portableSource(source, siteUrl);
  }
  return JSON.parse(JSON.stringify(portable)) as JsonObject;
}

function portableSource(source: ImageSource | DriveSource, siteUrl: string): object {
  if ('url' in source) return { ...source, url: portableUrl(source.url, siteUrl) };
  if ('emptyBytes' in source) return source;
  return { contents: carriedContents(source) };
}

/** @throws HoldfastError `bad-config` for a local file, as machines in Node can have */
export function portableUrl(url: string, siteUrl: string): string {
  const portable = toPortableUrl(url, siteUrl);
  if (!portable.startsWith('file:')) return portable;
  throw new HoldfastError(
    'bad-config',
    `${url} is on this computer, where whoever opens the state cannot have it. Eject it, or give the machine its bytes.`,
  );
}

/** Where a configuration comes from, for errors. */
export interface ConfigOrigin {
  what: string;
  refuse(sentence: string): HoldfastError;
}

const stateFile: ConfigOrigin = { what: 'this state file', refuse: badState };

const refusedUrl = (portable: unknown, { what, refuse }: ConfigOrigin): HoldfastError =>
  refuse(`A URL of ${what} is not taken: ${String(portable).slice(0, 200)}`);

/** @throws HoldfastError `bad-state-file` */
export function absoluteUrl(portable: unknown, siteUrl: string): string {
  const url = typeof portable === 'string' ? fromPortableUrl(portable, siteUrl) : undefined;
  if (url === undefined) throw refusedUrl(portable, stateFile);
  return url;
}

const isLineage = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);

/**
 * Members that this build does not know are left out.
 * @throws HoldfastError `bad-state-file`, or that of `origin`
 */
export function checkConfig(
  portable: JsonObject,
  siteUrl: string,
  origin: ConfigOrigin = stateFile,
): CheckedConfig {
  const config: Record<string, unknown> = {};
  for (const name of namesInFile) {
    const { inStateFile, inFile, schema, allowed } = optionTable[name];
    const value = Object.hasOwn(portable, name) ? portable[name] : undefined;
    if (value === undefined && inStateFile === 'required')
      throw origin.refuse(`"${name}" is missing in ${origin.what}.`);
    if (value === undefined) continue;
    const { success, output, issues } = safeParse(inFile?.(siteUrl) ?? schema, value);
    if (success) config[name] = output;
    else if (inStateFile !== 'known') throw invalid(name, issues[0], inFile ? '' : allowed, origin);
  }
  // A file with another lineage has none.
  if (Object.hasOwn(portable, 'lineage') && isLineage(portable.lineage))
    config.lineage = portable.lineage;
  const carried: CheckedConfig['carried'] = new Map();
  for (const name of imageKeys) {
    const { contents } = Object(config[name]);
    if (contents === undefined) continue;
    carried.set(name, contents);
    delete config[name];
  }
  const checked = config as unknown as MachineConfig;
  return { config: checked, carried, urls: reachOf(checked, siteUrl) };
}

function invalid(
  name: string,
  issue: BaseIssue<unknown>,
  allowed: string,
  origin: ConfigOrigin,
): HoldfastError {
  if (issue.type === 'raw_transform') return refusedUrl(issue.input, origin);
  const path = [name, getDotPath(issue)].filter(Boolean).join('.');
  const may = allowed && `: it may be ${allowed}`;
  return origin.refuse(`Invalid "${path}" in the configuration of ${origin.what}${may}.`);
}
