import { element } from '../ui/element.ts';
import { formatBytes } from '../ui/format.ts';

/** The bar while a state arrives, with a way out. */
export class OpeningBar {
  readonly #region = element('opening', HTMLElement);
  readonly #label = element('opening-label', HTMLElement);
  readonly #bar = element('opening-bar', HTMLProgressElement);
  readonly #bytes = element('opening-bytes', HTMLElement);

  /** @param cancel for the button */
  begin(label: string, cancel: () => void): void {
    this.#label.textContent = label;
    this.#bytes.textContent = '';
    this.#bar.removeAttribute('value');
    this.#region.hidden = false;
    element('opening-cancel', HTMLButtonElement).onclick = cancel;
  }

  show(loadedBytes: number, totalBytes: number | undefined): void {
    const loaded = formatBytes(loadedBytes);
    this.#bytes.textContent = totalBytes ? `${loaded} of ${formatBytes(totalBytes)}` : loaded;
    if (totalBytes) this.#bar.value = Math.min(1, loadedBytes / totalBytes);
  }

  end(): void {
    this.#region.hidden = true;
  }
}
