/** The fields of the New-machine dialog, made from the table of options. */
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import type { Boots, OptionField } from '../../protocol/options/option.ts';
import { optionNames, optionTable } from '../../protocol/options/option-table.ts';
import { create, element } from '../ui/element.ts';
import { type TextControl, textControl } from './field-controls.ts';
import { ImageRow } from './image-row.ts';
import { type ImageField, imageFields, type MachineDraft } from './machine-draft.ts';

type OptionName = keyof MachineOptions;

interface PlacedField {
  option: OptionName;
  field: OptionField;
  row: HTMLElement;
}

const idPrefix = 'new-machine-';

export class MachineFields {
  readonly #placed: PlacedField[] = [];
  readonly #texts: { option: OptionName; field: OptionField; control: TextControl }[] = [];
  readonly #images = new Map<OptionName, ImageRow>();
  #folder: HTMLInputElement | undefined;

  /** Fills the places of index.html. @param imageChanged by the visitor */
  constructor(imageChanged: (field: ImageField) => void) {
    for (const option of optionNames) {
      for (const [index, field] of (optionTable[option].fields ?? []).entries()) {
        const id = `${idPrefix}${option}${index === 0 ? '' : `-${index}`}`;
        const row = create('div', { class: 'field' });
        // What is wrong with an option is told at its first field.
        row.dataset.field = index === 0 ? option : `${option}.${index}`;
        row.dataset.label = field.name ?? field.label;
        const inputs = this.#inputsOf(option, field, imageChanged);
        const caption = create('label', { text: field.label });
        caption.htmlFor = id;
        const [first] = inputs;
        const input = first instanceof HTMLLabelElement ? first.control : first;
        if (input instanceof HTMLElement) input.id = id;
        const hint = field.hint && create('span', { class: 'fine', text: field.hint });
        const around = create('div', { class: 'field-inputs' });
        around.append(...inputs, ...(hint ? [hint] : []));
        row.append(caption, around);
        element(`${idPrefix}${field.place ?? 'contents'}`, HTMLElement).append(row);
        this.#placed.push({ option, field, row });
      }
    }
  }

  #inputsOf(
    option: OptionName,
    field: OptionField,
    imageChanged: (field: ImageField) => void,
  ): (HTMLElement | Text)[] {
    const { control, label } = field;
    if (control.kind === 'folder') {
      this.#folder = create('input');
      this.#folder.type = 'file';
      this.#folder.webkitdirectory = true;
      return [this.#folder];
    }
    if (control.kind === 'image') {
      const image = new ImageRow(control, label, () => imageChanged(option as ImageField));
      this.#images.set(option, image);
      return image.inputs;
    }
    const made = textControl(control);
    if (!made) return [];
    this.#texts.push({ option, field, control: made });
    return made.inputs;
  }

  image(field: ImageField): ImageRow {
    const image = this.#images.get(field);
    if (!image) throw new Error(`The table of options has no image "${field}"`);
    return image;
  }

  /** @param text as an attribute of the element has it */
  setText(option: OptionName, text: string): void {
    for (const { option: name, control } of this.#texts) if (name === option) control.text = text;
  }

  /** After their form was reset. */
  reset(): void {
    for (const { control } of this.#texts) control.reset?.();
    for (const image of this.#images.values()) image.reset();
  }

  /** Only what counts for what is booted is there. */
  show(boots: Boots): void {
    for (const { field, row } of this.#placed)
      row.hidden = field.boots !== undefined && !field.boots.includes(boots);
  }

  /** Reads the visitor's choices. */
  draft(boots: Boots): MachineDraft {
    const texts: Record<string, string> = {};
    for (const { option, field, control } of this.#texts) {
      const { text } = control;
      if (text === '') continue;
      const before = texts[option] === undefined ? '' : `${texts[option]},`;
      texts[option] = field.member === undefined ? text : `${before}${field.member}:${text}`;
    }
    return {
      boots,
      texts,
      images: Object.fromEntries(imageFields.map((name) => [name, this.image(name).choice])),
      folder: [...(this.#folder?.files ?? [])],
    };
  }
}
