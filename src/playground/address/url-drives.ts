/** The drives that the address of the page describes, with the option names of v86's own page. No DOM. */

import { asSize } from '../../client/options/text-options.ts';
import {
  type DriveName,
  type DriveSource,
  driveNames,
  isFloppy,
  type MachineConfig,
} from '../../protocol/config.ts';
import { diskLimit } from '../../protocol/disk-size.ts';
import { allowedUrl, fileUrl } from './file-url.ts';
import { type Refuse, urlFlag } from './url-flag.ts';

export type UrlDrives = Partial<Pick<MachineConfig, DriveName>>;

type Option = 'url' | 'empty' | 'size' | 'async' | 'part_size';

/** What the address says of one drive: `hda.url` is its option `url`. */
interface DriveOptions {
  name: DriveName;
  text(option: Option): string | null;
  flag(option: Option): boolean | undefined;
  refuse(option: Option, allowed: string): void;
}

const sectorBytes = 512;

/** @param base what relative addresses are relative to */
export function readDrives(query: URLSearchParams, base: string, refuse: Refuse): UrlDrives {
  const found: UrlDrives = {};
  for (const name of driveNames) {
    const options: DriveOptions = {
      name,
      text: (option) => query.get(`${name}.${option}`),
      flag: (option) => urlFlag(query, `${name}.${option}`, refuse),
      refuse: (option, allowed) => {
        const text = `${name}.${option}`;
        refuse(text, query.get(text) ?? '', allowed);
      },
    };
    const source = options.text('url') === null ? emptyDisk(options) : fetched(options, base);
    if (source) found[name] = source;
    if (name === 'hdb' && source && !found.hda)
      options.refuse('url' in source ? 'url' : 'empty', 'given together with hda.url or hda.empty');
  }
  return found;
}

function fetched(options: DriveOptions, base: string): DriveSource | undefined {
  const { name, text, flag, refuse } = options;
  const url = fileUrl(text('url') ?? '', base);
  if (!url) refuse('url', allowedUrl);
  if (text('empty') !== null) refuse('empty', `given without ${name}.url only`);
  const isAsync = flag('async');
  const isInParts = text('part_size') !== null;
  if (isFloppy(name)) {
    if (isAsync) refuse('async', 'left out: floppies are small');
    if (isInParts) refuse('part_size', 'left out: floppies are small');
  }
  if (isInParts && isAsync === false) refuse('async', 'left out or 1 together with part_size');

  const sizeBytes = readSize(options, 'size');
  const partBytes = readSize(options, 'part_size', sectorBytes);
  if (!url) return undefined;
  const source = { url, ...(sizeBytes !== undefined && { sizeBytes }) };
  if (partBytes !== undefined) return { ...source, load: 'parts', partBytes };
  return { ...source, ...(isAsync && { load: 'range' as const }) };
}

function emptyDisk(options: DriveOptions): DriveSource | undefined {
  const { name, text, refuse } = options;
  for (const option of ['size', 'async', 'part_size'] as const)
    if (text(option) !== null) refuse(option, `given together with ${name}.url only`);
  // Of an empty floppy or CD no guest can make anything.
  if (name !== 'hda' && name !== 'hdb') {
    if (text('empty') !== null) refuse('empty', 'left out: only hda and hdb can begin empty');
    return undefined;
  }
  const emptyBytes = readSize(options, 'empty', sectorBytes);
  return emptyBytes === undefined ? undefined : { emptyBytes };
}

/** @param unitBytes what it must be a multiple of */
function readSize(
  { name, text, refuse }: DriveOptions,
  option: Option,
  unitBytes = 1,
): number | undefined {
  const given = text(option);
  if (given === null) return undefined;
  const bytes = asSize(given);
  const limit = diskLimit(name);
  if (typeof bytes === 'number' && bytes > 0 && bytes <= limit.bytes && bytes % unitBytes === 0)
    return bytes;
  const multiples = unitBytes === 1 ? '' : ` and a multiple of ${unitBytes}`;
  refuse(option, `a number of bytes, such as 1474560, 512M or 2G${multiples}, ${limit.words}`);
  return undefined;
}
