/** The drives that the address of the page describes, with the option names of v86's own page. No DOM. */
import { type DriveName, type DriveSource, driveNames, isFloppy } from '../../protocol/config.ts';
import { diskLimit } from '../../protocol/disk-size.ts';
import { allowedUrl, fileUrl } from '../../protocol/options/foreign-url.ts';
import { isAllowed } from '../../protocol/options/option.ts';
import { diskSizes } from '../../protocol/options/source-kinds.ts';
import { allowedSwitch, asSize, asSwitch } from '../../protocol/options/text-values.ts';
import type { Refuse } from './refuse.ts';

type Option = 'url' | 'empty' | 'size' | 'async' | 'part_size';

/** Options of one drive in the address: `hda.url` is its option `url`. */
interface DriveOptions {
  name: DriveName;
  text(option: Option): string | null;
  refuse(option: Option, allowed: string): void;
}

/** @param base the URL that relative addresses are resolved against */
export function readDrives(
  query: URLSearchParams,
  base: string,
  refuse: Refuse,
): Partial<Record<DriveName, DriveSource>> {
  const found: Partial<Record<DriveName, DriveSource>> = {};
  for (const name of driveNames) {
    const options: DriveOptions = {
      name,
      text: (option) => query.get(`${name}.${option}`),
      refuse: (option, allowed) => {
        const text = `${name}.${option}`;
        refuse(text, query.get(text) ?? '', allowed);
      },
    };
    const source = options.text('url') === null ? emptyDisk(options) : fetched(options, base);
    if (source) found[name] = source;
  }
  return found;
}

function fetched(options: DriveOptions, base: string): DriveSource | undefined {
  const { name, text, refuse } = options;
  const url = fileUrl(text('url') ?? '', base);
  if (!url) refuse('url', allowedUrl);
  if (text('empty') !== null) refuse('empty', `given without ${name}.url only`);
  const isAsync = readSwitch(options, 'async');
  const isInParts = text('part_size') !== null;
  if (isFloppy(name)) {
    if (isAsync) refuse('async', 'left out: floppies are small');
    if (isInParts) refuse('part_size', 'left out: floppies are small');
  }
  if (isInParts && isAsync === false) refuse('async', 'left out or 1 together with part_size');

  const sizeBytes = readSize(options, 'size');
  const partBytes = readSize(options, 'part_size');
  if (!url) return undefined;
  const source = { url, ...(sizeBytes !== undefined && { sizeBytes }) };
  if (partBytes !== undefined) return { ...source, load: 'parts', partBytes };
  return { ...source, ...(isAsync && { load: 'range' as const }) };
}

function emptyDisk(options: DriveOptions): DriveSource | undefined {
  const { name, text, refuse } = options;
  for (const option of ['size', 'async', 'part_size'] as const)
    if (text(option) !== null) refuse(option, `given together with ${name}.url only`);
  // An empty floppy or CD is useless to a guest.
  if (name !== 'hda' && name !== 'hdb') {
    if (text('empty') !== null) refuse('empty', 'left out: only hda and hdb can begin empty');
    return undefined;
  }
  const emptyBytes = readSize(options, 'empty');
  return emptyBytes === undefined ? undefined : { emptyBytes };
}

function readSwitch({ text, refuse }: DriveOptions, option: Option): boolean | undefined {
  const given = text(option);
  const value = given === null ? undefined : asSwitch(given);
  if (typeof value === 'string') refuse(option, allowedSwitch);
  return typeof value === 'boolean' ? value : undefined;
}

function readSize(
  { name, text, refuse }: DriveOptions,
  option: 'size' | 'part_size' | 'empty',
): number | undefined {
  const given = text(option);
  if (given === null) return undefined;
  const bytes = asSize(given);
  if (isAllowed({ schema: diskSizes(name)[option] }, bytes)) return Number(bytes);
  const multiples = option === 'size' ? '' : ' and a multiple of 512';
  const { words } = diskLimit(name);
  refuse(option, `a number of bytes, such as 1474560, 512M or 2G${multiples}, ${words}`);
  return undefined;
}
