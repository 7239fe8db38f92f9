/** A machine's configuration as a state file has it, and back. What comes from a file is not trusted. */

import { CprError } from '../errors.ts';
import {
  type CpuOptions,
  type DriveSource,
  driveNames,
  type ImageSource,
  type MachineConfig,
  type NetworkBackend,
} from '../protocol/config.ts';
import { diskLimit } from '../protocol/disk-size.ts';
import { isKeyboardLayout } from '../protocol/keyboard-layouts.ts';
import { type Reached, reachOf } from '../protocol/reach.ts';
import type { JsonObject } from '../vmstate/json.ts';
import { badState } from './bad-state.ts';

const imageNames = ['bios', 'vgaBios', 'bzImage', 'initrd', 'multiboot'] as const;
const sourceNames = [...imageNames, ...driveNames] as const;
export type SourceName = (typeof sourceNames)[number];

/** Stands for the site that a state is opened on, where a file lies beside the page. */
const sitePrefix = 'site:';

/** A file or bytes that travel within the state. */
export interface CarriedContents {
  kind: 'bytes' | 'file';
  name: string;
  lastModifiedMs: number;
  sizeBytes: number;
}

export interface CheckedConfig {
  /** Without what {@link carried} names. */
  config: MachineConfig;
  carried: Map<SourceName, CarriedContents>;
  /** Everything that such a machine fetches or connects to. */
  urls: Reached[];
}

/** What only this browser has: to be written into the file. */
export function contentsOf(config: MachineConfig): Map<SourceName, Blob> {
  const contents = new Map<SourceName, Blob>();
  for (const name of sourceNames) {
    const source = config[name];
    if (!source) continue;
    if ('bytes' in source) contents.set(name, new Blob([source.bytes]));
    else if ('file' in source) contents.set(name, source.file);
  }
  return contents;
}

/** Of this browser, or of this life of the machine. */
type LeftOut = 'id' | 'durable' | 'foreign' | 'limits' | 'onlyCprCapable' | 'openedFrom';

/** @param siteUrl address of the site's root: URLs under it become relative to any site's */
export function portableConfig(config: MachineConfig, siteUrl: string): JsonObject {
  const {
    id: _id,
    durable: _durable,
    foreign: _foreign,
    limits: _limits,
    onlyCprCapable: _only,
    openedFrom: _from,
    ...rest
  } = config;
  const portable: Record<string, unknown> = { ...rest };
  for (const name of sourceNames) {
    const source = config[name];
    if (source) portable[name] = portableSource(source, siteUrl);
  }
  return JSON.parse(JSON.stringify(portable)) as JsonObject;
}

function portableSource(source: ImageSource | DriveSource, siteUrl: string): object {
  if ('url' in source) return { ...source, url: portableUrl(source.url, siteUrl) };
  if ('emptyBytes' in source) return source;
  const isFile = 'file' in source;
  const { name = '', lastModified = 0 } = (isFile ? source.file : {}) as Partial<File>;
  return {
    contents: {
      kind: isFile ? 'file' : 'bytes',
      name,
      lastModifiedMs: lastModified,
      sizeBytes: isFile ? source.file.size : source.bytes.length,
    },
  };
}

/** @throws CprError `bad-config` for a file of this computer, as machines in Node can have */
export function portableUrl(url: string, siteUrl: string): string {
  if (url.startsWith(siteUrl)) return sitePrefix + url.slice(siteUrl.length);
  if (!url.startsWith('file:')) return url;
  throw new CprError(
    'bad-config',
    `${url} is on this computer, where whoever opens the state cannot have it. Eject it, or give the machine its bytes.`,
  );
}

const webProtocols = ['http:', 'https:'] as const;

/**
 * @param allowed protocols
 * @throws CprError `bad-state-file`
 */
export function absoluteUrl(
  portable: unknown,
  siteUrl: string,
  allowed: readonly string[] = webProtocols,
): string {
  if (typeof portable !== 'string' || portable.length > 8192)
    throw badState('This state file names something by what is no URL.');
  const isOfSite = portable.startsWith(sitePrefix);
  const text = isOfSite ? portable.slice(sitePrefix.length) : portable;
  const url = isOfSite ? URL.parse(text, siteUrl) : URL.parse(text);
  // In Node the files of the site are on this computer; no others are to be reached.
  const isFile = isOfSite && allowed === webProtocols && url?.protocol === 'file:';
  const isAllowed = url && (isFile || allowed.includes(url.protocol));
  const isSound = isAllowed && !url.username && !url.password;
  if (!isSound || (isOfSite && !url.href.startsWith(siteUrl)))
    throw badState(`This state file names a URL that is not taken: ${portable.slice(0, 200)}`);
  return url.href;
}

/** Members that are as in the file when they are of this type; others of the file are left out. */
const plainMembers = {
  name: 'string',
  lineage: 'string',
  memoryMiB: 'number',
  vgaMemoryMiB: 'number',
  cmdline: 'string',
  acpi: 'boolean',
  network: 'string',
  mac: 'string',
  filesystem9p: 'boolean',
  virtioConsole: 'boolean',
  sound: 'boolean',
  keyboardLayout: 'string',
  serialPorts: 'number',
  bootOrder: 'number',
  suspendWhenHiddenMs: 'number',
} as const satisfies Record<
  Exclude<keyof MachineConfig, SourceName | 'cpu' | 'networkBackend' | LeftOut>,
  string
>;

const isLineage = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);

const required = ['memoryMiB', 'vgaMemoryMiB', 'acpi', 'network', 'filesystem9p', 'virtioConsole'];

/** @throws CprError `bad-state-file` */
export function checkConfig(portable: JsonObject, siteUrl: string): CheckedConfig {
  const config: Record<string, unknown> = {};
  for (const [member, type] of Object.entries(plainMembers)) {
    const value = Object.hasOwn(portable, member) ? portable[member] : undefined;
    if (value === undefined && !required.includes(member)) continue;
    const isSound = typeof value === type && (type !== 'string' || String(value).length <= 4096);
    if (!isSound) throw badState(`In this state's configuration "${member}" is not a ${type}.`);
    config[member] = value;
  }
  // Whoever writes no sound one has none.
  if (!isLineage(config.lineage)) delete config.lineage;
  if (!['none', 'ne2k', 'virtio'].includes(String(config.network)))
    throw badState('This state has a network device that is not known.');
  // A newer build may know more of them: the guest is the same without.
  if (!isKeyboardLayout(config.keyboardLayout)) delete config.keyboardLayout;
  const carried: CheckedConfig['carried'] = new Map();
  for (const name of sourceNames) {
    const source = Object.hasOwn(portable, name) ? portable[name] : undefined;
    if (source === undefined) continue;
    const members = new Map<string, unknown>(Object.entries(Object(source)));
    const contents = members.get('contents');
    if (contents !== undefined) carried.set(name, checkCarried(name, contents));
    else if (members.has('emptyBytes'))
      config[name] = { emptyBytes: sizeOf(name, members.get('emptyBytes')) };
    else {
      const url = absoluteUrl(members.get('url'), siteUrl);
      const load = members.get('load');
      config[name] = {
        url,
        ...(members.has('sizeBytes') && { sizeBytes: sizeOf(name, members.get('sizeBytes')) }),
        ...((load === 'whole' || load === 'range') && { load }),
        ...(load === 'parts' && { load, partBytes: sizeOf(name, members.get('partBytes')) }),
      };
    }
  }
  if (Object.hasOwn(portable, 'cpu')) config.cpu = checkCpu(portable.cpu);
  const backend = checkBackend(portable.networkBackend, siteUrl);
  if (backend) config.networkBackend = backend;
  for (const name of ['bios', 'vgaBios'] as const)
    if (!config[name] && !carried.has(name)) throw badState(`This state names no "${name}".`);
  const checked = config as unknown as MachineConfig;
  return { config: checked, carried, urls: reachOf(checked, siteUrl) };
}

function checkCarried(name: string, contents: unknown): CarriedContents {
  const { kind, name: fileName, lastModifiedMs, sizeBytes } = Object(contents);
  const isSound =
    (kind === 'bytes' || kind === 'file') &&
    typeof fileName === 'string' &&
    fileName.length <= 1024 &&
    typeof lastModifiedMs === 'number';
  if (!isSound) throw badState(`What this state says of "${name}" makes no sense.`);
  return { kind, name: fileName, lastModifiedMs, sizeBytes: sizeOf(name, sizeBytes) };
}

/** No disk or image of a machine is larger. */
const largestBytes = diskLimit('hda').bytes;

function sizeOf(name: string, size: unknown): number {
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 && size <= largestBytes)
    return size;
  throw badState(`What this state says of the size of "${name}" makes no sense.`);
}

function checkCpu(value: unknown): CpuOptions {
  const { cpuidLevel, jit } = Object(value);
  const isSound =
    (cpuidLevel === undefined || (Number.isInteger(cpuidLevel) && cpuidLevel >= 0)) &&
    (jit === undefined || typeof jit === 'boolean');
  if (!isSound) throw badState('What this state says of its CPU makes no sense.');
  return { ...(cpuidLevel !== undefined && { cpuidLevel }), ...(jit !== undefined && { jit }) };
}

function checkBackend(value: unknown, siteUrl: string): NetworkBackend | undefined {
  if (value === undefined) return undefined;
  const { kind, url, corsProxy, dohServer, group } = Object(value);
  const web = (text: unknown) => absoluteUrl(text, siteUrl);
  const host = (text: unknown) => {
    const url = URL.parse(web(/^https?:/.test(String(text)) ? text : `https://${text}/`));
    return url?.host ?? '';
  };
  const socket = (text: unknown) =>
    absoluteUrl(String(text).replace(/^wisp(s?):/, 'ws$1:'), siteUrl, ['ws:', 'wss:']);
  switch (kind) {
    case 'none':
      return { kind };
    case 'fetch':
      return { kind, ...(corsProxy !== undefined && { corsProxy: web(corsProxy) }) };
    case 'wisp':
      return {
        kind,
        url: socket(url),
        ...(dohServer !== undefined && { dohServer: host(dohServer) }),
      };
    case 'inbrowser':
      if (typeof group === 'string' && group.length <= 255) return { kind, group };
      break;
    case 'wsproxy':
      return { kind, url: socket(url) };
  }
  throw badState('This state has a network backend that is not known.');
}
