/** A machine in the dialog, and its problems. No DOM but `File`. */
import { driveNames } from '../../protocol/config.ts';
import { diskLimit } from '../../protocol/disk-size.ts';
import { type ImageName, imageKeys } from '../../protocol/images.ts';
import { checkEach, checkTogether } from '../../protocol/options/check-options.ts';
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import type { Boots, ImageOrigin } from '../../protocol/options/option.ts';
import { optionTable } from '../../protocol/options/option-table.ts';
import { textOptions } from '../../protocol/options/text-options.ts';

export const imageFields = imageKeys;
export type ImageField = ImageName;

export interface ImageChoice {
  origin: ImageOrigin;
  file?: File | undefined;
  url: string;
  /** Fetches a disk while the guest reads it, from a server that answers range requests. */
  inRanges: boolean;
  /** The size of an empty disk: `512M`, `2G`. */
  size: string;
}

export interface MachineDraft {
  boots: Boots;
  /** Options as text, as an address has them; empty ones are left out. */
  texts: Readonly<Record<string, string>>;
  images: Partial<Record<ImageField, ImageChoice>>;
  /** The files of a folder for the 9p share, each with its path in there; empty: none was picked. */
  folder: readonly File[];
}

/** A problem, and the field that shows it. */
export interface FieldProblem {
  /** The option; `boots` for a problem of the boot options together. */
  field: string;
  /** The values that are allowed; completes the sentence "… may be". */
  allowed: string;
  /** The present value. */
  given: string;
}

/** Files of the demo Linux. Its description, which is fetched later, has the rest. */
const demoLinux = { bzImage: 'guests/linux/bzImage', initrd: 'guests/linux/initrd' };

const fieldsOf = (option: string) => optionTable[option as keyof MachineOptions]?.fields ?? [];

/** Whether an option applies to the boot choice. */
const counts = (option: string, boots: Boots): boolean =>
  fieldsOf(option).every((field) => field.boots?.includes(boots) ?? true);

/** The options of the machine, still to be checked. */
export function draftOptions({ boots, texts, images, folder }: MachineDraft) {
  const given = Object.entries(texts).filter(([name, text]) => text !== '' && counts(name, boots));
  const files: Record<string, File | null> = {};
  for (const field of imageFields) {
    const choice = images[field];
    if (!choice || choice.origin === 'none' || !counts(field, boots)) continue;
    if (choice.origin === 'file') files[field] = choice.file ?? null;
    else given.push([field, imageText(choice)]);
  }
  const options: Record<string, unknown> = {
    ...(boots === 'demo' && demoLinux),
    ...textOptions(given),
    ...files,
  };
  if (folder.length > 0) options.filesystem9p = folder;
  return options;
}

function imageText({ origin, url, inRanges, size }: ImageChoice): string {
  if (origin === 'empty') return `empty:${size.trim()}`;
  return inRanges ? `range:${url.trim()}` : url.trim();
}

/** All problems of the machine, before anything is fetched. */
export function draftProblems(draft: MachineDraft): FieldProblem[] {
  const options = draftOptions(draft);
  const wrong = checkEach(options);
  if (wrong.length > 0)
    return wrong.map(({ option, allowed, given }) => inWords(draft, option, allowed, given));
  return [...checkTogether(options)].map(({ option, ...problem }) =>
    option === 'what it boots'
      ? { ...problem, field: 'boots', allowed: allowedBoots }
      : { ...problem, field: option },
  );
}

const allowedBoots = 'a CD, a hard disk or a floppy to boot from: choose one below';

/** Words a problem of one option for its field. The check's own message is for programs. */
function inWords(
  draft: MachineDraft,
  option: string,
  allowed: string,
  given: string,
): FieldProblem {
  const text = draft.texts[option];
  for (const { control, member, allowed: ofField } of fieldsOf(option)) {
    const shown = member === undefined ? text : textOfMember(text, member);
    if (control.kind === 'target') {
      const [, kind = '', target = ''] = /^(\w+):?(.*)$/.exec(text ?? '') ?? [];
      const [, , chosen] = control.choices.find(([value]) => value === kind) ?? [];
      return {
        field: option,
        allowed: chosen?.allowed ?? 'one of those that can be chosen',
        given: inQuotes(target),
      };
    }
    if (ofField !== undefined) return { field: option, allowed: ofField, given: inQuotes(shown) };
  }
  const choice = draft.images[option as ImageField];
  if (!choice) return { field: option, allowed, given: emptyWords[given] ?? given };
  return {
    field: option,
    allowed: allowedImage(option as ImageField, choice, allowed),
    given: given.startsWith('{') ? `“${imageText(choice)}”` : (emptyWords[given] ?? given),
  };
}

/** `2` of `cpuidLevel:2,jit:off`. */
const textOfMember = (text: string | undefined, member: string): string | undefined =>
  text
    ?.split(',')
    .find((part) => part.startsWith(`${member}:`))
    ?.slice(member.length + 1);

const inQuotes = (text: string | undefined): string => (text ? `“${text}”` : 'empty');

function allowedImage(field: ImageField, { origin }: ImageChoice, allowed: string): string {
  const drive = driveNames.find((name) => name === field);
  const size = drive ? `, ${diskLimit(drive).words}` : '';
  switch (origin) {
    case 'file':
      return `a file that is not empty${size}`;
    case 'url':
      return 'the address of a file: a path on this site, or http(s)://…';
    case 'empty':
      return `empty with a size in multiples of 512 bytes, such as 512M or 2G${size}`;
    case 'none':
      return allowed;
  }
}

/** Words for fields without a value. */
const emptyWords: Record<string, string> = { null: 'not chosen yet', '""': 'empty' };

/**
 * A sentence for the user.
 * @param label of the field
 */
export function problemSentence(label: string, { allowed, given }: FieldProblem): string {
  return `${label} may be ${allowed}; it is ${given}.`;
}
