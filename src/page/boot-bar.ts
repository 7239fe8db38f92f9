import type { Machine } from '../machine/types.ts';
import { BootProgress } from './boot-progress.ts';
import { element } from './element.ts';
import type { Session } from './session.ts';

/** The bar from the start of a guest until it shows a sign of life. */
export class BootBar {
  readonly #region = element('boot', HTMLElement);
  readonly #label = element('boot-label', HTMLElement);
  readonly #bar = element('boot-bar', HTMLProgressElement);
  readonly #bytes = element('boot-bytes', HTMLElement);
  readonly #progress = new BootProgress();
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    session.onChange(() => {
      if (!this.#region.hidden) this.#show();
    });
    session.onMachine((machine) => this.#follow(machine));
  }

  /** A guest is being started here. */
  begin(): void {
    this.#progress.clear();
    this.#show();
  }

  end(): void {
    this.#region.hidden = true;
  }

  #follow(machine: Machine): void {
    machine.on('progress', (progress) => {
      // Another page may be the one that starts it.
      if (this.#region.hidden && progress.done) return;
      this.#progress.add(progress);
      this.#show();
    });
    machine.on('console', () => this.end());
    machine.on('screen-text', () => this.end());
    machine.on('screen-graphics', () => this.end());
  }

  #show(): void {
    const { busy, status } = this.#session;
    const { label, fraction, bytes } = this.#progress.view(busy !== 'start' && status !== null);
    this.#region.hidden = false;
    this.#label.textContent = label;
    this.#bytes.textContent = bytes;
    if (fraction === null) this.#bar.removeAttribute('value');
    else this.#bar.value = fraction;
  }
}
