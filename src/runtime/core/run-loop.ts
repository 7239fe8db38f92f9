/**
 * Runs the guest in slices between the worker's other events. Replaces v86's own loop, which would
 * fall back to clamped timers in a shared worker.
 */

/** Time that the guest runs before the worker's other events get a turn. */
const sliceMs = 3;

/**
 * Node's. Node reads message ports until they are empty. This loop's port would never be, so
 * nothing else would run.
 */
type SetImmediate = (callback: () => void) => void;

type PostTask = (callback: () => void, options?: { delay: number }) => Promise<unknown>;

interface RunLoopOptions {
  /**
   * Runs the guest for about a millisecond.
   * @returns the time for which the guest is idle from now on, ms; below 1 if it is not idle.
   */
  step(): number;
  /** Returns true while the guest waits for memory: no step is made until {@link RunLoop.wake}. */
  waits(): boolean;
  clock(): number;
  crashed(reason: unknown): void;
}

export class RunLoop {
  readonly #options: RunLoopOptions;
  readonly #channel = new MessageChannel();
  readonly #postTask: PostTask | undefined;
  readonly #setImmediate: SetImmediate | undefined;
  /** Ticks that were scheduled before the last change of plan are ignored. */
  #generation = 0;
  #running = false;
  #idle = false;

  constructor(options: RunLoopOptions) {
    this.#options = options;
    this.#channel.port1.onmessage = (event) => this.#tick(event.data);
    const scheduler = (globalThis as { scheduler?: { postTask?: PostTask } }).scheduler;
    this.#postTask = scheduler?.postTask?.bind(scheduler);
    this.#setImmediate = (globalThis as { setImmediate?: SetImmediate }).setImmediate;
  }

  get running(): boolean {
    return this.#running;
  }

  run(): void {
    if (this.#running) return;
    this.#running = true;
    // Directly after the present task: a garbage collection could come before a message.
    const generation = ++this.#generation;
    queueMicrotask(() => this.#tick(generation));
  }

  stop(): void {
    this.#running = false;
    this.#generation++;
  }

  /**
   * Stops the guest for a moment.
   * @returns a function that resumes it, unless it was resumed or stopped in between
   */
  hold(): () => void {
    if (!this.#running) return () => undefined;
    this.stop();
    const held = this.#generation;
    return () => {
      if (held === this.#generation) this.run();
    };
  }

  /** Wakes an idle guest because of an event. */
  wake(): void {
    if (this.#running && this.#idle) this.#schedule(0);
  }

  destroy(): void {
    this.stop();
    this.#channel.port1.onmessage = null;
    this.#channel.port1.close();
    this.#channel.port2.close();
  }

  #tick(generation: number): void {
    if (generation !== this.#generation || !this.#running) return;
    const { step, waits, clock } = this.#options;
    this.#idle = waits();
    if (this.#idle) return;
    const end = clock() + sliceMs;
    let idleMs: number;
    try {
      do idleMs = step();
      while (idleMs < 1 && this.#running && !waits() && clock() < end);
    } catch (reason) {
      this.stop();
      this.#options.crashed(reason);
      return;
    }
    // A step can stop the loop or wake it (a reset, a device's answer).
    if (this.#running && generation === this.#generation) this.#schedule(idleMs);
  }

  #schedule(delayMs: number): void {
    const generation = ++this.#generation;
    this.#idle = delayMs >= 1;
    if (delayMs < 1 && this.#setImmediate) {
      this.#setImmediate(() => this.#tick(generation));
    } else if (this.#postTask) {
      // Not clamped to 4 ms, unlike nested timeouts. A message passes through another thread, and a
      // guest would wait for that thread's turn when the processors are busy.
      const when = delayMs < 1 ? undefined : { delay: delayMs };
      this.#postTask(() => this.#tick(generation), when).catch(() => undefined);
    } else if (delayMs < 1) {
      this.#channel.port2.postMessage(generation);
    } else {
      setTimeout(() => this.#tick(generation), delayMs);
    }
  }
}
