/** The values of the New-machine dialog. No DOM but `File`. */
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import type { Boots, FieldControl, OptionField } from '../../protocol/options/option.ts';
import { optionNames, optionTable } from '../../protocol/options/option-table.ts';
import {
  type ImageChoice,
  type ImageField,
  imageFields,
  type MachineDraft,
} from './machine-draft.ts';

type OptionName = keyof MachineOptions;

export interface FormField {
  /** Name of the option, for its first field: problems of the option are shown there. */
  key: string;
  option: OptionName;
  field: OptionField;
}

/** The fields of the table of options. */
export const formFields: readonly FormField[] = optionNames.flatMap((option) =>
  (optionTable[option].fields ?? []).map((field, index) => ({
    key: index === 0 ? option : `${option}.${index}`,
    option,
    field,
  })),
);

export class MachineForm {
  boots: Boots = 'demo';
  #isBootsChosen = false;
  folder: readonly File[] = [];
  readonly #texts = new Map(formFields.map(({ key, field }) => [key, initialText(field.control)]));
  readonly #images = new Map(
    formFields.flatMap(({ option, field: { control } }) =>
      control.kind === 'image' ? [[option as ImageField, initialImage(control)]] : [],
    ),
  );

  chooseBoots(boots: Boots): void {
    this.boots = boots;
    this.#isBootsChosen = true;
  }

  /** Replaces the demo Linux, unless the visitor chose it. */
  proposeBoots(boots: Boots): void {
    if (!this.#isBootsChosen) this.boots = boots;
  }

  /** The text of a field, as typed. */
  text(key: string): string {
    return this.#texts.get(key) ?? '';
  }

  setText(key: string, text: string): void {
    this.#texts.set(key, text);
  }

  /** @param text as an attribute of the element has it */
  setOption(option: OptionName, text: string): void {
    for (const { key, option: name, field } of formFields)
      if (name === option && isText(field.control)) this.setText(key, text);
  }

  image(field: ImageField): ImageChoice {
    const image = this.#images.get(field);
    if (!image) throw new Error(`The table of options has no image "${field}"`);
    return image;
  }

  setImage(field: ImageField, change: Partial<ImageChoice>): void {
    const image = { ...this.image(field), ...change };
    this.#images.set(field, image);
    const isChosen = image.origin !== 'none' && ('origin' in change || 'file' in change);
    // A medium that was chosen is proposed to boot from.
    if (isChosen && field !== 'bios' && field !== 'vgaBios') this.proposeBoots(bootsOf(field));
  }

  /** Whether the field applies to the boot choice. */
  shows({ boots }: OptionField): boolean {
    return boots?.includes(this.boots) ?? true;
  }

  get draft(): MachineDraft {
    const texts: Record<string, string> = {};
    for (const { key, option, field } of formFields) {
      const text = trimmed(field.control, this.text(key));
      if (text === '') continue;
      const before = texts[option] === undefined ? '' : `${texts[option]},`;
      texts[option] = field.member === undefined ? text : `${before}${field.member}:${text}`;
    }
    const images = Object.fromEntries(imageFields.map((name) => [name, this.image(name)]));
    return { boots: this.boots, texts, images, folder: this.folder };
  }
}

const isText = ({ kind }: FieldControl): boolean => kind !== 'image' && kind !== 'folder';

function initialText(control: FieldControl): string {
  if (control.kind === 'text') return control.value ?? '';
  if (control.kind === 'choice' || control.kind === 'target') return control.choices[0]?.[0] ?? '';
  return '';
}

const initialImage = ({ origins }: FieldControl & { kind: 'image' }): ImageChoice => ({
  origin: origins[0] ?? 'none',
  url: '',
  inRanges: false,
  size: '2G',
});

function bootsOf(field: ImageField): Boots {
  if (field === 'bzImage' || field === 'initrd') return 'kernel';
  return field === 'multiboot' ? 'multiboot' : 'drives';
}

/** Spaces around a text do not count, unless its option is verbatim. */
function trimmed(control: FieldControl, text: string): string {
  if (control.kind === 'text') return control.isVerbatim ? text : text.trim();
  if (control.kind !== 'target') return text;
  const [kind, target] = targetParts(text);
  return target.trim() ? `${kind}:${target.trim()}` : kind;
}

/** `wisp` and `wss://host` of `wisp:wss://host`. */
export function targetParts(text: string): [kind: string, target: string] {
  const [kind = '', ...target] = text.split(':');
  return [kind, target.join(':')];
}
