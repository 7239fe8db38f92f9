/**
 * Options as text, as in an address (`?hda=range:disk.img&memoryMiB=256`) or in the attributes of an
 * element. Names are read without regard to case, because HTML has none.
 */
import type { MachineOptions } from './machine-options.ts';
import { optionRules } from './schema.ts';

/** Reads a text as a value. Text of another kind stays text, and the schema refuses it. */
type Read = (text: string) => unknown;

const asNumber: Read = (text) => (/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text);
const asIs: Read = (text) => text;
const asList: Read = (text) => text.split(',').map((part) => part.trim());
/** An attribute without a value is on. */
const asFlag: Read = (text) => {
  if (['', 'on', 'true', 'yes', '1'].includes(text)) return true;
  return ['off', 'false', 'no', '0'].includes(text) ? false : text;
};

const units: Record<string, number> = { '': 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 };

/** `512`, `1440K`, `64M`, `2G`. @returns bytes, or text that is no size as it is */
export function asSize(text: string): unknown {
  const [, number, unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  return number === undefined ? text : Number(number) * (units[unit.toLowerCase()] ?? 1);
}

/** A URL, `range:URL`, `parts:SIZE:URL` or `empty:SIZE`. */
const asDisk: Read = (text) => {
  const empty = /^empty:(.*)$/.exec(text)?.[1];
  if (empty !== undefined) return { emptyBytes: asSize(empty) };
  const [, size, partsUrl] = /^parts:([^:]*):(.*)$/.exec(text) ?? [];
  if (size !== undefined && partsUrl !== undefined)
    return { url: partsUrl, load: 'parts', partBytes: asSize(size) };
  const rangeUrl = /^range:(.*)$/.exec(text)?.[1];
  return rangeUrl === undefined ? text : { url: rangeUrl, load: 'range' };
};

/** `fetch`, `fetch:PROXY`, `wisp:URL`, `inbrowser:GROUP`, `wsproxy:URL`. */
const asBackend: Read = (text) => {
  const [, kind, rest] = /^(fetch|wisp|inbrowser|wsproxy):(.+)$/.exec(text) ?? [];
  switch (kind) {
    case 'fetch':
      return { kind, corsProxy: rest };
    case 'wisp':
      // An address of such a server says so itself.
      return { kind, url: rest?.startsWith('//') ? text : rest };
    case 'inbrowser':
      return { kind, group: rest };
    case 'wsproxy':
      return { kind, url: rest };
    default:
      return text.startsWith('wisps://') ? { kind: 'wisp', url: text } : text;
  }
};

/** `cpuidLevel:2,jit:off` */
const asCpu: Read = (text) =>
  Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', value = ''] = part.split(':').map((word) => word.trim());
      if (name.toLowerCase() === 'jit') return ['jit', asFlag(value)];
      return name.toLowerCase() === 'cpuidlevel' ? ['cpuidLevel', asNumber(value)] : [name, value];
    }),
  );

/** `shareMiB:512,diskMiB:8192` */
const asLimits: Read = (text) =>
  Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', value = ''] = part.split(':').map((word) => word.trim());
      const known = ['shareMiB', 'diskMiB'].find(
        (each) => each.toLowerCase() === name.toLowerCase(),
      );
      return [known ?? name, asNumber(value)];
    }),
  );

/** On, off, or the URL of an index. */
const asShare: Read = (text) => {
  const flag = asFlag(text);
  return typeof flag === 'boolean' ? flag : { index: text };
};

const readers: Record<keyof MachineOptions, Read> = {
  name: asIs,
  memoryMiB: asNumber,
  vgaMemoryMiB: asNumber,
  cpu: asCpu,
  acpi: asFlag,
  bootOrder: asList,
  bios: asIs,
  vgaBios: asIs,
  bzImage: asIs,
  multiboot: asIs,
  initrd: asIs,
  cmdline: asIs,
  hda: asDisk,
  hdb: asDisk,
  cdrom: asDisk,
  fda: asDisk,
  fdb: asDisk,
  filesystem9p: asShare,
  serialPorts: asNumber,
  virtioConsole: asFlag,
  sound: asFlag,
  keyboardLayout: asIs,
  network: asIs,
  networkBackend: asBackend,
  mac: asIs,
  durable: asFlag,
  suspendWhenHiddenMs: asNumber,
  limits: asLimits,
  onlyCprCapable: asFlag,
};

/** The names of all options. */
export const optionNames = Object.keys(optionRules) as (keyof MachineOptions)[];
const byLowerCase = new Map(optionNames.map((name) => [name.toLowerCase(), name]));

/**
 * The options among `texts`, still to be checked; what is no option is left out.
 * @param texts as of a `URLSearchParams`
 */
export function textOptions(texts: Iterable<readonly [string, string]>): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, text] of texts) {
    const option = byLowerCase.get(name.toLowerCase());
    if (option) options[option] = readers[option](text);
  }
  return options;
}
