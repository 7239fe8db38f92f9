import { element } from '../ui/element.ts';
import { formatBytes } from '../ui/format.ts';
import { ProgressBar } from '../ui/progress-bar.tsx';

/** The bar while a state loads, with a Cancel button. */
export class OpeningBar {
  readonly #bar = new ProgressBar(element('opening', HTMLElement), 'Opening a state');
  label = '';
  #cancel = () => {};

  /** @param cancel runs when the button is pressed */
  begin(label: string, cancel: () => void): void {
    this.label = label;
    this.#cancel = cancel;
    this.#draw(null, '');
  }

  show(loadedBytes: number | undefined, totalBytes: number | undefined): void {
    if (loadedBytes === undefined) {
      this.#draw(null, '');
      return;
    }
    const loaded = formatBytes(loadedBytes);
    if (totalBytes)
      this.#draw(Math.min(1, loadedBytes / totalBytes), `${loaded} of ${formatBytes(totalBytes)}`);
    else this.#draw(null, loaded);
  }

  end(): void {
    this.#bar.hide();
  }

  #draw(fraction: number | null, bytes: string): void {
    this.#bar.show(
      { label: this.label, fraction, bytes },
      <button type="button" onClick={this.#cancel}>
        Cancel
      </button>,
    );
  }
}
