/**
 * Reports the events that this page has drawn and shown. The keeper then sends no more than the page
 * has room for.
 */
import { isOfScreen, screenCost, type TakenEvents } from '../protocol/event-bytes.ts';
import type { MachineEvent } from '../protocol/events.ts';

/** Console output that is reported at once: the keeper may be waiting to send the rest. */
const reportBytes = 256 * 1024;
/**
 * Longest delay of a report. A page whose frames are not drawn, such as a covered one, still takes
 * events.
 */
const longestMs = 250;

export class EventsTaken {
  readonly #report: (taken: TakenEvents) => void;
  #screen = 0;
  #consoles: Record<string, number> = {};
  #consoleBytes = 0;
  #isScheduled = false;

  constructor(report: (taken: TakenEvents) => void) {
    this.#report = report;
  }

  /** Counts an event. Called when all its listeners are done. */
  add(event: MachineEvent): void {
    if (event.type === 'console') {
      this.#consoles[event.console] = event.offset + event.bytes.length;
      this.#consoleBytes += event.bytes.length;
    } else if (isOfScreen(event)) this.#screen += screenCost(event);
    else return;
    if (this.#consoleBytes >= reportBytes) this.#flush();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const flush = () => {
      clearTimeout(timer);
      if (!this.#isScheduled) return;
      this.#isScheduled = false;
      this.#flush();
    };
    const timer = setTimeout(flush, longestMs);
    // After the event is drawn. Node draws nothing.
    if ('requestAnimationFrame' in globalThis) requestAnimationFrame(flush);
    else setTimeout(flush);
  }

  #flush(): void {
    const taken = {
      ...(this.#screen > 0 && { screen: this.#screen }),
      consoles: this.#consoles,
    };
    this.#screen = 0;
    this.#consoles = {};
    this.#consoleBytes = 0;
    this.#report(taken);
  }
}
