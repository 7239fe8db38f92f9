import { type ComponentChildren, render } from 'preact';

export interface Progress {
  label: string;
  /** 0 to 1, or null if unknown. */
  fraction: number | null;
  bytes: string;
}

/** A bar for a long operation, in a root of its own. */
export class ProgressBar {
  readonly #root: HTMLElement;
  /** Label of the region. */
  readonly #name: string;
  #isShown = false;

  constructor(root: HTMLElement, name: string) {
    this.#root = root;
    this.#name = name;
  }

  get isShown(): boolean {
    return this.#isShown;
  }

  /** @param buttons after the bar */
  show(progress: Progress, buttons?: ComponentChildren): void {
    this.#isShown = true;
    render(
      <section class="boot" aria-label={this.#name}>
        <ProgressLine {...progress} />
        {buttons}
      </section>,
      this.#root,
    );
  }

  hide(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    render(null, this.#root);
  }
}

export function ProgressLine({ label, fraction, bytes }: Progress) {
  return (
    <>
      <span class="boot-label">{label}</span>
      <progress aria-label={label} {...(fraction !== null && { value: fraction })} />
      <span class="boot-bytes">{bytes}</span>
    </>
  );
}
