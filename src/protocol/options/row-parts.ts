/** Parts of rows that several options share. */
import { allowedUrl, fileUrl } from './foreign-url.ts';
import type { FieldControl, MachineOption, UrlName } from './option.ts';
import { allowedSwitch, asSwitch } from './text-values.ts';

/** Rows of the table of options. */
export type OptionRows = Readonly<Record<string, MachineOption>>;

export const number = (value?: string): FieldControl & { kind: 'text' } => ({
  kind: 'text',
  isNumber: true,
  size: 6,
  ...(value !== undefined && { value }),
});

export const choice = (...choices: [text: string, words: string][]): FieldControl => ({
  kind: 'choice',
  choices,
});

export const urlSwitch = (name: string, help?: UrlName['help']): UrlName => ({
  name,
  fromText: asSwitch,
  allowed: allowedSwitch,
  ...(help && { help }),
});

export const urlFile = (name: string, help?: UrlName['help']): UrlName => ({
  name,
  fromText: (value, base) => {
    const url = fileUrl(value, base);
    return url === undefined ? null : { url };
  },
  allowed: allowedUrl,
  ...(help && { help }),
});
