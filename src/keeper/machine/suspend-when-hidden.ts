import type { Execution } from '../guest/execution.ts';

interface HiddenMachine {
  readonly isRunning: boolean;
  suspend(): void;
  wake(): void;
}

/**
 * Suspends a guest that no page has shown for a while, and wakes it when a page shows it again. No
 * attached page counts as not shown. A guest that something else wakes in between gets the full
 * time again. A guest that something else suspended is left alone.
 */
export class SuspendWhenHidden {
  readonly #limitMs: number;
  readonly #machine: HiddenMachine;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #visible = true;
  #suspended = false;

  static for(execution: Execution, limitMs: number | undefined): SuspendWhenHidden | undefined {
    if (limitMs === undefined) return undefined;
    return new SuspendWhenHidden(limitMs, {
      get isRunning() {
        return execution.runstate === 'running' && !execution.isFrozen;
      },
      suspend: () => execution.suspend(),
      wake: () => execution.wakeIfSuspended(),
    });
  }

  private constructor(limitMs: number, machine: HiddenMachine) {
    this.#limitMs = limitMs;
    this.#machine = machine;
  }

  /** Call this when pages attach, leave, show or hide, and when the runstate changes. */
  update(visible: boolean): void {
    this.#visible = visible;
    const { isRunning } = this.#machine;
    if (isRunning) this.#suspended = false;
    if (visible || !isRunning) this.stop();
    else this.#timer ??= setTimeout(() => this.#elapsed(), this.#limitMs);
    if (visible && this.#suspended) {
      this.#suspended = false;
      this.#machine.wake();
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #elapsed(): void {
    this.#timer = undefined;
    if (this.#visible || !this.#machine.isRunning) return;
    this.#machine.suspend();
    this.#suspended = true;
  }
}
