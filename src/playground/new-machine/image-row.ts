/** The inputs of a field that asks where a disk, CD or kernel comes from. */
import type { FieldControl, ImageOrigin } from '../../protocol/options/option.ts';
import { create } from '../ui/element.ts';
import { formatBytes } from '../ui/format.ts';
import type { ImageChoice } from './machine-draft.ts';

export class ImageRow {
  readonly #origin: HTMLSelectElement;
  readonly #file = create('input');
  readonly #url = create('input');
  readonly #size = create('input');
  readonly #ranges = create('input');
  readonly #rangesLabel = create('label', { class: 'fine' });
  readonly #hasRanges: boolean;
  readonly #fileSize = create('span', { class: 'fine' });

  /** @param changed by the visitor */
  constructor(
    { origins, none = 'None', hasRanges = false }: FieldControl & { kind: 'image' },
    label: string,
    changed: () => void,
  ) {
    const words: Record<ImageOrigin, string> = {
      none,
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
    this.#file.type = 'file';
    this.#url.className = 'long';
    this.#url.placeholder = 'https://… or a path on this site';
    this.#url.inputMode = 'url';
    this.#size.defaultValue = '2G';
    this.#size.size = 8;
    this.#ranges.type = 'checkbox';
    this.#rangesLabel.append(this.#ranges, 'fetch only what the guest reads');
    this.#hasRanges = hasRanges;
    this.#file.setAttribute('aria-label', `File for ${label}`);
    this.#url.setAttribute('aria-label', `Address for ${label}`);
    this.#size.setAttribute('aria-label', `Size of ${label}, as 512M or 2G`);
    for (const input of [this.#url, this.#size]) input.autocomplete = 'off';
    for (const input of [this.#origin, this.#file]) {
      input.addEventListener('change', () => {
        this.reset();
        changed();
      });
    }
    this.reset();
  }

  /** The first of them takes the label. */
  get inputs(): HTMLElement[] {
    return [this.#origin, this.#file, this.#fileSize, this.#url, this.#rangesLabel, this.#size];
  }

  get choice(): ImageChoice {
    return {
      origin: this.#origin.value as ImageOrigin,
      file: this.#file.files?.[0],
      url: this.#url.value,
      inRanges: this.#hasRanges && this.#ranges.checked,
      size: this.#size.value,
    };
  }

  /** As if the visitor had picked this file. */
  setFile(file: File): void {
    setFile(this.#file, file);
    this.#origin.value = 'file';
    this.reset();
  }

  /** Shows the inputs of what is chosen; also after its form was reset. */
  reset(): void {
    const { origin, file } = this.choice;
    this.#file.hidden = origin !== 'file';
    this.#fileSize.hidden = origin !== 'file' || !file;
    this.#fileSize.textContent = file ? formatBytes(file.size) : '';
    this.#url.hidden = origin !== 'url';
    this.#rangesLabel.hidden = origin !== 'url' || !this.#hasRanges;
    this.#size.hidden = origin !== 'empty';
  }
}

/** As if the visitor had picked this file there. */
export function setFile(input: HTMLInputElement, file: File): void {
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
}
