/** The row of a dialog that asks where a disk, CD or kernel comes from. */
import { create, element } from '../ui/element.ts';
import { formatBytes } from '../ui/format.ts';
import type { ImageChoice, ImageField } from './machine-draft.ts';

export interface ImageRowOptions {
  field: ImageField;
  label: string;
  /** What can be chosen, the first of them at first. */
  origins: readonly ImageChoice['origin'][];
  /** The word for none of it. */
  none?: string;
  /** Whether what is at an address may be fetched in ranges. */
  isDisk: boolean;
}

export class ImageRow {
  readonly #origin: HTMLSelectElement;
  readonly #file = create('input');
  readonly #url = create('input');
  readonly #size = create('input');
  readonly #ranges = create('input');
  readonly #rangesLabel = create('label', { class: 'fine' });
  readonly #isDisk: boolean;
  readonly #fileSize = create('span', { class: 'fine' });

  /** Fills the row `new-machine-FIELD` of index.html. @param changed by the visitor */
  constructor({ field, label, origins, none, isDisk }: ImageRowOptions, changed: () => void) {
    const row = element(`new-machine-${field}`, HTMLElement);
    const words = {
      none: none ?? 'None',
      file: 'A file of this computer',
      url: 'At an address',
      empty: 'Empty, of a size',
    };
    this.#origin = create('select', {
      children: origins.map((origin) => {
        const option = create('option', { text: words[origin] });
        option.value = origin;
        return option;
      }),
    });
    this.#origin.id = `new-machine-${field}-origin`;
    const caption = create('label', { text: label });
    caption.htmlFor = this.#origin.id;
    this.#file.type = 'file';
    this.#url.className = 'long';
    this.#url.placeholder = 'https://… or a path on this site';
    this.#url.inputMode = 'url';
    this.#size.defaultValue = '2G';
    this.#size.size = 8;
    this.#ranges.type = 'checkbox';
    this.#rangesLabel.append(this.#ranges, 'fetch only what the guest reads');
    this.#isDisk = isDisk;
    this.#file.setAttribute('aria-label', `File for ${label}`);
    this.#url.setAttribute('aria-label', `Address for ${label}`);
    this.#size.setAttribute('aria-label', `Size of ${label}, as 512M or 2G`);
    for (const input of [this.#url, this.#size]) input.autocomplete = 'off';
    row.dataset.field = field;
    row.dataset.label = label;
    row.append(
      caption,
      create('div', {
        class: 'field-inputs',
        children: [
          this.#origin,
          this.#file,
          this.#fileSize,
          this.#url,
          this.#rangesLabel,
          this.#size,
        ],
      }),
    );
    this.#origin.addEventListener('change', () => {
      this.#show();
      changed();
    });
    this.#file.addEventListener('change', () => {
      this.#show();
      changed();
    });
    this.#show();
  }

  get choice(): ImageChoice {
    return {
      origin: this.#origin.value as ImageChoice['origin'],
      file: this.#file.files?.[0],
      url: this.#url.value,
      inRanges: this.#isDisk && this.#ranges.checked,
      size: this.#size.value,
    };
  }

  /** After its form was reset. */
  reset(): void {
    this.#show();
  }

  /** As if the visitor had picked this file. */
  setFile(file: File): void {
    setFile(this.#file, file);
    this.#origin.value = 'file';
    this.#show();
  }

  #show(): void {
    const { origin, file } = this.choice;
    this.#file.hidden = origin !== 'file';
    this.#fileSize.hidden = origin !== 'file' || !file;
    this.#fileSize.textContent = file ? formatBytes(file.size) : '';
    this.#url.hidden = origin !== 'url';
    this.#rangesLabel.hidden = origin !== 'url' || !this.#isDisk;
    this.#size.hidden = origin !== 'empty';
  }
}

/** As if the visitor had picked this file there. */
export function setFile(input: HTMLInputElement, file: File): void {
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
}
