import type { TakenEvents } from '../../protocol/event-bytes.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import { freeBuffer } from '../../protocol/free-buffer.ts';
import { webLocks } from '../../protocol/web-locks.ts';
import { PicturesOnWay } from '../pictures-on-way.ts';
import type { Client } from './page-input.ts';
import type { PageLink } from './page-link.ts';
import { PagePace, type PageSource } from './page-pace.ts';

interface Page {
  link: PageLink;
  /** Empty for pages that are older than ids: they never say that they are hidden. */
  id: string;
  visible: boolean;
  readonly pace: PagePace;
  /** Of sound, that it still takes; absent when it does not listen. */
  frames?: number;
  /** Whose commands are this page's. */
  client: Client | undefined;
  /** Ends the wait for the page's lock. */
  gone: AbortController;
}

/** Pictures from this size on are worth a message to free them. */
const largeBytes = 256 * 1024;

/** Of sound that may be on its way to a page: a second. */
const mostFrames = 48_000;

/** The attached pages. A page is dropped once the Web Lock that it holds becomes free. */
export class Pages {
  readonly #pages = new Set<Page>();
  readonly #onChange: () => void;
  readonly #onGone: (client: Client) => void;
  readonly #onWatch: () => void;
  readonly #source: () => PageSource | undefined;
  readonly #pictures = new PicturesOnWay();
  /** Runs while pages wait for a turn that nobody gives up. */
  #turn: ReturnType<typeof setTimeout> | undefined;
  #wasWatched = false;

  /**
   * @param onChange pages have come or gone, or are shown or hidden
   * @param onGone a page has gone that gave commands as this client
   * @param onWatch {@link anyWatches} is another
   * @param source of what is shown now
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

  /** Whether what the screen shows now would be sent to anybody. */
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

  /** The page has room for more. One that says so for the first time is sent no more than that from then on. */
  took(id: string, taken: TakenEvents): void {
    for (const page of this.#pages) if (page.id === id) this.#took(page, taken);
  }

  #took(page: Page, taken: TakenEvents): void {
    page.pace.took(taken);
    // Those that wait come first.
    this.#giveTurns();
    this.#catchUp(page);
    this.#noteWatch();
  }

  #catchUp(page: Page): void {
    const source = this.#source();
    // All of it was made for this page.
    if (source) page.pace.catchUp(source, page.visible, (event) => postOwned(page.link, event));
  }

  /** The screen for pages that missed it, as far as there is room. The page that was served goes to the end. */
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

  /** Pages that take nothing hold up others for a time only. */
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

  /** Another machine is shown from here on. */
  renew(): void {
    for (const { pace } of this.#pages) pace.renew();
  }

  get anyListens(): boolean {
    return [...this.#pages].some(({ frames }) => frames !== undefined);
  }

  /** @param frames that the page takes beyond those it took so far; 0: it does not listen any more */
  listen(id: string, frames: number): void {
    for (const page of this.#pages) {
      if (page.id !== id) continue;
      if (frames > 0) page.frames = Math.min((page.frames ?? 0) + frames, mostFrames);
      else delete page.frames;
    }
  }

  /**
   * @param link for the page's events
   * @param pageLock a lock that the page holds already; empty where the page has no Web Locks
   * @param greeting what this page must know first; nothing reaches it before
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
      // A page without Web Locks says when it leaves.
      left: () => this.#drop(page),
      visible: (visible) => this.#show(page, visible),
      took: (taken) => this.#took(page, taken),
    });
    this.#onChange();
    this.#noteWatch();
    void this.#awaitEnd(page, pageLock);
  }

  /** What was watched is there no more. Who watched it asks for what comes in its place. */
  endWatches(): void {
    for (const page of this.#pages) if (page.link.watchesOnly) this.#drop(page);
  }

  /** Sends to every page. What is in `transfer` goes to one that can take it over and is copied for the others. */
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

/** Of an event that was made for this page alone: a picture is moved there and not copied. */
function postOwned(link: PageLink, event: MachineEvent): void {
  const owned = event.type === 'screen-frame' ? [event.pixels.buffer] : [];
  if (link.watchesOnly) {
    link.post(event, []);
    freePicture(event, owned);
  } else link.post(event, owned);
}

/** Nobody took it over. The collector would let several of 16 MiB add up. */
function freePicture(event: MachineEvent, owned: readonly Transferable[]): void {
  if (event.type !== 'screen-frame') return;
  const { buffer } = event.pixels;
  if (owned.includes(buffer) && buffer.byteLength >= largeBytes) freeBuffer(buffer);
}
