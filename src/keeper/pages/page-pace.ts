/** How fast one page is sent things: no faster than it says that it takes them. */
import { isOfScreen, screenCost, type TakenEvents } from '../../protocol/event-bytes.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import { PicturesOnWay } from '../pictures-on-way.ts';

/** What may be on its way to a page, bytes; one event may be larger. */
const windows = { screen: 8 * 1024 * 1024, console: 1024 * 1024 } as const;

/** Offsets of one console. */
interface Progress {
  sent: number;
  taken: number;
}

/** Where a page gets what it missed. */
export interface PageSource {
  /** What a console has said from this offset on, as far as it is still there. */
  consoleFrom(name: string, offset: number): Iterable<MachineEvent>;
  /** The whole screen. */
  screen(): MachineEvent[];
}

export class PagePace {
  /** Pictures on their way to all pages. */
  readonly #pictures: PicturesOnWay;
  /** A page of an earlier release never says what it has taken, and is sent everything. */
  #isPaced = false;
  #screenOnWay = 0;
  #missedScreen = false;
  readonly #consoles = new Map<string, Progress>();

  constructor(pictures = new PicturesOnWay()) {
    this.#pictures = pictures;
  }

  /** Whether the page has room for the whole screen, which it missed: it waits for others. */
  waitsForTurn(visible: boolean): boolean {
    return this.#isPaced && this.#missedScreen && this.#hasRoom(visible);
  }

  /** Whether more of the screen would be sent now. @param visible whether anybody sees the page */
  wantsScreen(visible: boolean): boolean {
    return !this.#isPaced || (this.#hasRoom(visible) && this.#pictures.hasRoom);
  }

  #hasRoom(visible: boolean): boolean {
    return visible && (this.#screenOnWay === 0 || this.#screenOnWay < windows.screen);
  }

  /** @returns whether the page is sent this event */
  admits(event: MachineEvent, visible: boolean): boolean {
    if (event.type === 'console') return this.#admitsConsole(event);
    if (!isOfScreen(event)) return true;
    // What comes after a gap makes no sense without it.
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
    // Said anew: another machine, or the guest of a snapshot.
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

  /** Sends what was held back, as far as there is room now. */
  catchUp(source: PageSource, visible: boolean, post: (event: MachineEvent) => void): void {
    if (!this.#isPaced) return;
    for (const [name, progress] of this.#consoles) {
      for (const event of source.consoleFrom(name, progress.sent)) {
        if (event.type !== 'console') continue;
        const end = event.offset + event.bytes.length;
        // What is no longer there is on no way.
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

  /** The page is gone. */
  end(): void {
    this.#pictures.drop(this);
  }

  /** Another machine is shown from here on. */
  renew(): void {
    this.#consoles.clear();
    this.#missedScreen = false;
  }
}
