import type { Machine } from '../../client/types.ts';
import type { Runstate } from '../../protocol/events.ts';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { ProgressBar } from '../ui/progress-bar.tsx';
import { BootProgress } from './boot-progress.ts';

/** Without news for so long, the fetch of a file has failed. */
const staleMs = 3000;

/** Run states of a guest that has been started. */
const isThere: ReadonlySet<Runstate> = new Set([
  'running',
  'paused',
  'suspended',
  'postcopy-paused',
  'internal-error',
  'shutdown',
]);

/** The bar from the start of a guest until it runs. */
export class BootBar {
  readonly #bar = new ProgressBar(element('boot', HTMLElement), 'Starting');
  readonly #progress = new BootProgress();
  readonly #session: Session;
  #lastNewsMs = 0;
  /** The machine has not been started yet: its status describes the previous guest. */
  #isBeginning = false;

  constructor(session: Session) {
    this.#session = session;
    session.onChange(() => {
      if (this.#bar.isShown) this.#show();
    });
    session.onMachine((machine) => this.#follow(machine));
  }

  /** A guest is being started here. */
  begin(): void {
    this.#progress.clear();
    this.#isBeginning = true;
    this.#show();
  }

  end(): void {
    this.#isBeginning = false;
    this.#bar.hide();
  }

  #follow(machine: Machine): void {
    machine.on('progress', (progress) => {
      // Another page may be the one that starts it.
      if (!this.#bar.isShown && progress.done) return;
      this.#progress.add(progress);
      this.#lastNewsMs = performance.now();
      this.#show();
    });
    // Output may have come before the bar. A guest without output ends the bar by its status.
    machine.on('console', () => this.end());
    machine.on('screen-text', () => this.end());
    machine.on('screen-graphics', () => this.end());
  }

  #show(): void {
    const { busy, status } = this.#session;
    if (busy !== null) this.#isBeginning = false;
    const isLoading = this.#progress.isLoading && performance.now() - this.#lastNewsMs < staleMs;
    const isIdle = busy === null && !this.#isBeginning && !isLoading;
    if (status && isThere.has(status.runstate) && isIdle) {
      this.end();
      return;
    }
    this.#bar.show(this.#progress.view(busy !== 'start' && status !== null));
  }
}
