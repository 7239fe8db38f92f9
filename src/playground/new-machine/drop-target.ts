/** Files that are dropped on the page: images for a machine, or a state. */
import { element } from '../ui/element.ts';
import { guessImage, type ImageKind } from '../ui/guess-image.ts';
import { askWhatFor } from './ask-what-for.tsx';

type DroppedImages = Partial<Record<Exclude<ImageKind, 'state'>, File>>;

export interface DropActions {
  openState(file: File): void;
  /** Whether the New-machine dialog is open. */
  isDescribing: boolean;
  /** Describes a new machine with the images. */
  describe(images: DroppedImages): void;
  /** Puts the file into a drive of this page's machine. Undefined if none runs. */
  insert: ((device: 'cdrom' | 'fda', file: File) => void) | undefined;
  /** Reports files that no machine can use. */
  refuse(names: readonly string[]): void;
}

export class DropTarget {
  readonly #actions: () => DropActions;
  readonly #overlay = element('drop-target', HTMLElement);

  /** @param actions called at each drop */
  constructor(actions: () => DropActions) {
    this.#actions = actions;
    window.addEventListener('dragover', (event) => {
      if (!this.#takes(event)) return;
      event.preventDefault();
      if (!this.#overlay.matches(':popover-open')) this.#overlay.showPopover();
    });
    window.addEventListener('dragleave', ({ relatedTarget }) => {
      if (relatedTarget === null) this.#overlay.hidePopover();
    });
    window.addEventListener('drop', (event) => {
      this.#overlay.hidePopover();
      if (!this.#takes(event)) return;
      event.preventDefault();
      void this.#drop([...(event.dataTransfer?.files ?? [])]);
    });
  }

  /** A field for a file handles its drops itself. A question must be answered first. */
  #takes({ dataTransfer, target }: DragEvent): boolean {
    const isField = target instanceof HTMLInputElement && target.type === 'file';
    const question = document.querySelector('dialog:open:not([data-takes-files])');
    return dataTransfer?.types.includes('Files') === true && !isField && !question;
  }

  async #drop(files: readonly File[]): Promise<void> {
    const kinds = await Promise.all(files.map(guessImage));
    const actions = this.#actions();
    const state = files[kinds.indexOf('state')];
    if (state) return actions.openState(state);
    const images: DroppedImages = {};
    for (const [at, kind] of kinds.entries()) {
      const file = files[at];
      if (file && kind && kind !== 'state') images[kind] ??= file;
    }
    const [[device, file] = [], another] = Object.entries(images);
    if (!file) return actions.refuse(files.map(({ name }) => name));
    const isRemovable = device === 'cdrom' || device === 'fda';
    if (isRemovable && !another && actions.insert && !actions.isDescribing) {
      const answer = await askWhatFor(file.name);
      if (answer === 'insert') actions.insert(device, file);
      if (answer !== 'new') return;
    }
    actions.describe(images);
  }
}
