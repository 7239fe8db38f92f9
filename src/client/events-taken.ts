/** Tells the keeper what this page has drawn and shown, so that it is sent no more than it has room for. */
import { isOfScreen, screenCost, type TakenEvents } from '../protocol/event-bytes.ts';
import type { MachineEvent } from '../protocol/events.ts';

/** So much of a console is reported at once: the keeper may be waiting to send the rest. */
const reportBytes = 256 * 1024;
/** A page whose frames are not drawn, as one behind others, still takes things. */
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

  /** To be called when all listeners are done with an event. */
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
    // Once what it shows is drawn. In Node nothing is.
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
