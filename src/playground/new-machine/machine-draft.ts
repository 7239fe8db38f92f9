/** A machine as the dialog has it, and what is wrong with it. No DOM but `File`. */
import { checkOptions } from '../../client/options/check-options.ts';
import { textOptions } from '../../client/options/text-options.ts';
import { diskLimit } from '../../protocol/disk-size.ts';

/** What the machine boots, as the dialog asks for it. */
export type Boots = 'demo' | 'drives' | 'kernel' | 'multiboot';

const driveFields = ['cdrom', 'hda', 'hdb', 'fda', 'fdb'] as const;
export const imageFields = [
  ...driveFields,
  'bzImage',
  'multiboot',
  'initrd',
  'bios',
  'vgaBios',
] as const;
export type ImageField = (typeof imageFields)[number];

export interface ImageChoice {
  origin: 'none' | 'file' | 'url' | 'empty';
  file?: File | undefined;
  url: string;
  /** Of a disk: fetched when the guest reads it, from a server that answers range requests. */
  inRanges: boolean;
  /** Of an empty disk: `512M`, `2G`. */
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

/** Something that is wrong, and the field that it is told at. */
export interface FieldProblem {
  /** The option; `boots` for what is wrong with all of them together. */
  field: string;
  /** What is allowed; completes the sentence "… may be". */
  allowed: string;
  /** What it is now. */
  given: string;
}

/** Where the demo Linux is; its description, which is fetched later, says what else it needs. */
const demoLinux = { bzImage: 'guests/linux/bzImage', initrd: 'guests/linux/initrd' };

/** Which images count for what is booted; the drives always do. */
const kernelFields: Record<Boots, readonly ImageField[]> = {
  demo: [],
  drives: [],
  kernel: ['bzImage', 'initrd'],
  multiboot: ['multiboot', 'initrd'],
};

/** The options of the machine, still to be checked. */
export function draftOptions({ boots, texts, images, folder }: MachineDraft) {
  const given = Object.entries(texts).filter(([name, text]) => {
    if (name === 'cmdline' && kernelFields[boots].length === 0) return false;
    if (name === 'bootOrder' && boots !== 'drives') return false;
    return text !== '';
  });
  const files: Record<string, File | null> = {};
  for (const field of [...driveFields, 'bios', 'vgaBios', ...kernelFields[boots]] as const) {
    const choice = images[field];
    if (!choice || choice.origin === 'none') continue;
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

/** Everything that is wrong with it, before anything is fetched. */
export function draftProblems(draft: MachineDraft): FieldProblem[] {
  return checkOptions(draftOptions(draft)).map(({ option, allowed, given }) => {
    const field = option === 'what it boots' ? 'boots' : option;
    // What does not go together is told in the schema's words.
    if (allowed.startsWith('given ')) return { field, allowed, given };
    if (option === 'networkBackend') return backendProblem(draft);
    const choice = draft.images[option as ImageField];
    const isObject = given.startsWith('{');
    return {
      field,
      allowed: choice
        ? allowedFor(option as ImageField, choice, allowed)
        : (inWords[option] ?? allowed),
      given: isObject && choice ? `“${imageText(choice)}”` : (emptyWords[given] ?? given),
    };
  });
}

function backendProblem({ texts }: MachineDraft): FieldProblem {
  const [, kind = '', target = ''] = /^(\w+):?(.*)$/.exec(texts.networkBackend ?? '') ?? [];
  return {
    field: 'networkBackend',
    allowed: backendWords[kind] ?? 'one of those that can be chosen',
    given: target ? `“${target}”` : 'empty',
  };
}

function allowedFor(field: ImageField, { origin }: ImageChoice, allowed: string): string {
  const drive = driveFields.find((name) => name === field);
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

/** Where the schema speaks to programs. */
const inWords: Record<string, string> = {
  'what it boots': 'a CD, a hard disk or a floppy to boot from: choose one below',
  cpu: 'a whole number from 1 to 22',
};

/** What nobody has filled in yet. */
const emptyWords: Record<string, string> = { null: 'not chosen yet', '""': 'empty' };

/** What a network backend needs beside its kind. */
const backendWords: Record<string, string> = {
  fetch: 'without an address, or with the http:// or https:// one of a CORS proxy',
  wisp: 'an address with wisp://, wisps://, ws:// or wss://',
  inbrowser: 'a hub with a name',
  wsproxy: 'an address with ws:// or wss://',
};

/** For people. @param label of the field */
export function problemSentence(label: string, { allowed, given }: FieldProblem): string {
  return `${label} may be ${allowed}; it is ${given}.`;
}
