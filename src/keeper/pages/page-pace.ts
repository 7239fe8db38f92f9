/** Backpressure for one page: it receives events no faster than it reports that it takes them. */
import { isOfScreen, screenCost, type TakenEvents } from '../../protocol/event-bytes.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import { PicturesOnWay } from './pictures-on-way.ts';

/** Largest size in transit to a page, bytes; one event may be larger. */
const windows = { screen: 8 * 1024 * 1024, console: 1024 * 1024 } as const;

/** Offsets of one console. */
interface Progress {
  sent: number;
  taken: number;
}

/** Source of events that a page missed. */
export interface PageSource {
  /** Returns the output of a console from this offset on, as far as the scrollback holds it. */
  consoleFrom(name: string, offset: number): Iterable<MachineEvent>;
  /** The whole screen. */
  screen(): MachineEvent[];
}

export class PagePace {
  /** Pictures on their way to all pages. */
  readonly #pictures: PicturesOnWay;
  /**
   * False for a page of an earlier release, which never reports what it has taken: it receives
   * everything.
   */
  #isPaced = false;
  #screenOnWay = 0;
  #missedScreen = false;
  readonly #consoles = new Map<string, Progress>();

  constructor(pictures = new PicturesOnWay()) {
    this.#pictures = pictures;
  }

  /** Returns true if the page has room for the whole screen that it missed: it waits for others. */
  waitsForTurn(visible: boolean): boolean {
    return this.#isPaced && this.#missedScreen && this.#hasRoom(visible);
  }

  /**
   * Returns true if more of the screen would be sent now. @param visible true if the page is
   * visible
   */
  wantsScreen(visible: boolean): boolean {
    return !this.#isPaced || (this.#hasRoom(visible) && this.#pictures.hasRoom);
  }

  #hasRoom(visible: boolean): boolean {
    return visible && (this.#screenOnWay === 0 || this.#screenOnWay < windows.screen);
  }

  /** @returns true if the page receives this event */
  admits(event: MachineEvent, visible: boolean): boolean {
    if (event.type === 'console') return this.#admitsConsole(event);
    if (!isOfScreen(event)) return true;
    // Events after a gap are meaningless without it.
    if (this.#missedScreen || !this.wantsScreen(visible)) {
      this.#missedScreen = true;
      return false;
    }
    if (this.#isPaced) this.#sentScreen(event);
    return true;
  }

  #sentScreen(event: MachineEvent): void {
    const cost = screenCost(event);
    this.#screenOnWay += cost;
    this.#pictures.sent(this, cost);
  }

  #admitsConsole({ console, offset, bytes }: MachineEvent & { type: 'console' }): boolean {
    const end = offset + bytes.length;
    const progress = this.#consoles.get(console);
    // Output that is sent again: of another machine, or of a snapshot's guest.
    if (!progress || offset < progress.sent) {
      this.#consoles.set(console, { sent: end, taken: offset });
      return true;
    }
    const hasGap = offset > progress.sent && this.#isPaced;
    if (hasGap || (this.#isPaced && end - progress.taken > windows.console)) return false;
    progress.sent = end;
    return true;
  }

  took({ screen = 0, consoles = {} }: TakenEvents): void {
    if (!this.#isPaced) for (const each of this.#consoles.values()) each.taken = each.sent;
    this.#isPaced = true;
    this.#screenOnWay = Math.max(0, this.#screenOnWay - screen);
    this.#pictures.took(this, screen);
    for (const [name, offset] of Object.entries(consoles)) {
      const progress = this.#consoles.get(name);
      if (progress) progress.taken = Math.max(progress.taken, Math.min(offset, progress.sent));
    }
  }

  /** Sends the events that were held back, as far as there is room now. */
  catchUp(source: PageSource, visible: boolean, post: (event: MachineEvent) => void): void {
    if (!this.#isPaced) return;
    for (const [name, progress] of this.#consoles) {
      for (const event of source.consoleFrom(name, progress.sent)) {
        if (event.type !== 'console') continue;
        const end = event.offset + event.bytes.length;
        // Bytes that left the scrollback are not in transit.
        const taken = progress.taken + event.offset - progress.sent;
        if (end - taken > windows.console) break;
        progress.taken = taken;
        progress.sent = end;
        post(event);
      }
    }
    if (!this.#missedScreen || !this.wantsScreen(visible)) return;
    const events = source.screen();
    this.#missedScreen = false;
    for (const event of events) {
      this.#sentScreen(event);
      post(event);
    }
  }

  /** Releases the page's share of the pictures: the page is gone. */
  end(): void {
    this.#pictures.drop(this);
  }

  /** Starts again for another machine. */
  renew(): void {
    this.#consoles.clear();
    this.#missedScreen = false;
  }
}
