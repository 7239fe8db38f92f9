import type { TakenEvents } from '../../protocol/event-bytes.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import { freeBuffer } from '../../protocol/free-buffer.ts';
import { webLocks } from '../../protocol/web-locks.ts';
import type { Client } from './page-input.ts';
import type { PageLink } from './page-link.ts';
import { PagePace, type PageSource } from './page-pace.ts';
import { PicturesOnWay } from './pictures-on-way.ts';

interface Page {
  link: PageLink;
  /** Empty for pages of releases without ids: they never report that they are hidden. */
  id: string;
  visible: boolean;
  readonly pace: PagePace;
  /** Audio frames that the page can still accept; absent when it does not listen. */
  frames?: number;
  /** The client of this page's commands. */
  client: Client | undefined;
  /** Ends the wait for the page's lock. */
  gone: AbortController;
}

/** Pictures of at least this size are freed by a message. */
const largeBytes = 256 * 1024;

/** Largest number of audio frames in transit to a page: a second. */
const mostFrames = 48_000;

/** The attached pages. A page is dropped once the Web Lock that it holds becomes free. */
export class Pages {
  readonly #pages = new Set<Page>();
  readonly #onChange: () => void;
  readonly #onGone: (client: Client) => void;
  readonly #onWatch: () => void;
  readonly #source: () => PageSource | undefined;
  readonly #pictures = new PicturesOnWay();
  /** Runs while pages wait for a turn and no page makes room. */
  #turn: ReturnType<typeof setTimeout> | undefined;
  #wasWatched = false;

  /**
   * @param onChange called when pages attach, leave, show or hide
   * @param onGone called when the page of this client has left
   * @param onWatch called when {@link anyWatches} has changed
   * @param source returns the machine that is shown now
   */
  constructor(
    onChange: () => void,
    onGone: (client: Client) => void = () => {},
    onWatch: () => void = () => {},
    source: () => PageSource | undefined = () => undefined,
  ) {
    this.#onChange = onChange;
    this.#onGone = onGone;
    this.#onWatch = onWatch;
    this.#source = source;
  }

  get count(): number {
    return this.#pages.size;
  }

  get anyVisible(): boolean {
    return [...this.#pages].some(({ visible }) => visible);
  }

  /** True if the present screen would be sent to any page. */
  get anyWatches(): boolean {
    return [...this.#pages].some(({ pace, visible }) => pace.wantsScreen(visible));
  }

  setVisible(id: string, visible: boolean): void {
    for (const page of this.#pages) if (page.id === id) this.#show(page, visible);
  }

  #show(page: Page, visible: boolean): void {
    page.visible = visible;
    this.#catchUp(page);
    this.#giveTurns();
    this.#onChange();
    this.#noteWatch();
  }

  /**
   * Records that the page has room for more. From its first report on it receives no more than
   * that.
   */
  took(id: string, taken: TakenEvents): void {
    for (const page of this.#pages) if (page.id === id) this.#took(page, taken);
  }

  #took(page: Page, taken: TakenEvents): void {
    page.pace.took(taken);
    // Waiting pages come first.
    this.#giveTurns();
    this.#catchUp(page);
    this.#noteWatch();
  }

  #catchUp(page: Page): void {
    const source = this.#source();
    // All of these events were made for this page.
    if (source) page.pace.catchUp(source, page.visible, (event) => postOwned(page.link, event));
  }

  /**
   * Sends the screen to pages that missed it, as far as there is room. A served page moves to the
   * end.
   */
  #giveTurns(): void {
    for (const page of [...this.#pages]) {
      if (!page.pace.waitsForTurn(page.visible)) continue;
      if (!this.#pictures.hasRoom) break;
      this.#pages.delete(page);
      this.#pages.add(page);
      this.#catchUp(page);
    }
    this.#awaitTurn();
  }

  /** Limits the time for which pages without reports hold up others. */
  #awaitTurn(): void {
    const waits = [...this.#pages].some(({ pace, visible }) => pace.waitsForTurn(visible));
    if (!waits || !this.#source() || this.#turn !== undefined) return;
    this.#turn = setTimeout(() => {
      this.#turn = undefined;
      this.#giveTurns();
      this.#noteWatch();
    }, this.#pictures.msToRoom);
  }

  #noteWatch(): void {
    const { anyWatches } = this;
    if (anyWatches === this.#wasWatched) return;
    this.#wasWatched = anyWatches;
    this.#onWatch();
  }

  /** Starts again for another machine. */
  renew(): void {
    for (const { pace } of this.#pages) pace.renew();
  }

  get anyListens(): boolean {
    return [...this.#pages].some(({ frames }) => frames !== undefined);
  }

  /** @param frames accepted by the page in addition to earlier ones; 0: it stops listening */
  listen(id: string, frames: number): void {
    for (const page of this.#pages) {
      if (page.id !== id) continue;
      if (frames > 0) page.frames = Math.min((page.frames ?? 0) + frames, mostFrames);
      else delete page.frames;
    }
  }

  /**
   * Adds a page.
   * @param link for the page's events
   * @param pageLock a lock that the page already holds; empty without Web Locks
   * @param greeting events that the page receives first, before any others
   */
  add(
    link: PageLink,
    pageLock: string,
    id: string,
    greeting: readonly MachineEvent[],
    client?: Client,
  ): void {
    const pace = new PagePace(this.#pictures);
    const page: Page = { link, id, visible: true, client, pace, gone: new AbortController() };
    this.#pages.add(page);
    for (const event of greeting) if (pace.admits(event, true)) postOwned(link, event);
    link.open({
      // A page without Web Locks reports that it leaves.
      left: () => this.#drop(page),
      visible: (visible) => this.#show(page, visible),
      took: (taken) => this.#took(page, taken),
    });
    this.#onChange();
    this.#noteWatch();
    void this.#awaitEnd(page, pageLock);
  }

  /**
   * Drops all watching pages: the watched machine is gone. They request its successor themselves.
   */
  endWatches(): void {
    for (const page of this.#pages) if (page.link.watchesOnly) this.#drop(page);
  }

  /**
   * Sends an event to every page. The buffers in `transfer` go to one page that can take them over;
   * others get copies.
   */
  broadcast(event: MachineEvent, transfer: Transferable[]): void {
    const links = this.#receivers(event).map(({ link }) => link);
    const taker = links.findLast(({ watchesOnly }) => !watchesOnly);
    for (const link of links) if (link !== taker) link.post(event, []);
    if (taker) taker.post(event, transfer);
    else freePicture(event, transfer);
    this.#awaitTurn();
    this.#noteWatch();
  }

  #receivers(event: MachineEvent): Page[] {
    const pages = [...this.#pages];
    if (event.type !== 'audio')
      return pages.filter(({ pace, visible }) => pace.admits(event, visible));
    const { length } = event.left;
    const listening = pages.filter(({ frames = 0 }) => frames >= length);
    for (const page of listening) page.frames = (page.frames ?? 0) - length;
    return listening;
  }

  async #awaitEnd(page: Page, pageLock: string): Promise<void> {
    const locks = webLocks();
    if (locks === undefined || pageLock === '') return;
    try {
      await locks.request(pageLock, { signal: page.gone.signal }, () => this.#drop(page));
    } catch (thrown) {
      if (!page.gone.signal.aborted) console.warn(`Cannot watch page ${pageLock}:`, thrown);
    }
  }

  #drop(page: Page): void {
    if (!this.#pages.delete(page)) return;
    page.gone.abort();
    page.pace.end();
    page.link.close();
    if (page.client) this.#onGone(page.client);
    this.#giveTurns();
    this.#onChange();
    this.#noteWatch();
  }
}

/** Sends an event that was made for this page alone: its picture is moved, not copied. */
function postOwned(link: PageLink, event: MachineEvent): void {
  const owned = event.type === 'screen-frame' ? [event.pixels.buffer] : [];
  if (link.watchesOnly) {
    link.post(event, []);
    freePicture(event, owned);
  } else link.post(event, owned);
}

/**
 * Frees a picture that no page took over. The garbage collector would let several of 16 MiB add up.
 */
function freePicture(event: MachineEvent, owned: readonly Transferable[]): void {
  if (event.type !== 'screen-frame') return;
  const { buffer } = event.pixels;
  if (owned.includes(buffer) && buffer.byteLength >= largeBytes) freeBuffer(buffer);
}
