import type { MachineEvent } from '../protocol/events.ts';

interface Page {
  port: MessagePort;
  /** Empty for pages that are older than ids: they never say that they are hidden. */
  id: string;
  visible: boolean;
  /** Ends the wait for the page's lock. */
  gone: AbortController;
}

/** The attached pages. A page is dropped once the Web Lock that it holds becomes free. */
export class Pages {
  readonly #pages = new Set<Page>();
  readonly #onChange: () => void;

  /** @param onChange pages have come or gone, or are shown or hidden */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get count(): number {
    return this.#pages.size;
  }

  get anyVisible(): boolean {
    return [...this.#pages].some(({ visible }) => visible);
  }

  setVisible(id: string, visible: boolean): void {
    for (const page of this.#pages) if (page.id === id) page.visible = visible;
    this.#onChange();
  }

  /**
   * @param port for the page's events; any message from its other end means that the page leaves
   * @param pageLock a lock that the page holds already; empty where the page has no Web Locks
   * @param greeting what this page must know first; nothing reaches it before
   */
  add(port: MessagePort, pageLock: string, id: string, greeting: readonly MachineEvent[]): void {
    const page: Page = { port, id, visible: true, gone: new AbortController() };
    this.#pages.add(page);
    for (const event of greeting) port.postMessage(event);
    // A page without Web Locks says when it leaves.
    port.addEventListener('message', () => this.#drop(page), { signal: page.gone.signal });
    port.start();
    this.#onChange();
    void this.#awaitEnd(page, pageLock);
  }

  /** Sends to every page. What is in `transfer` goes to the last one and is copied for the others. */
  broadcast(event: MachineEvent, transfer: Transferable[]): void {
    let left = this.#pages.size;
    for (const { port } of this.#pages) port.postMessage(event, --left === 0 ? transfer : []);
  }

  async #awaitEnd(page: Page, pageLock: string): Promise<void> {
    // Missing on insecure origins, whatever the types say.
    const locks = navigator.locks as LockManager | undefined;
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
    page.port.close();
    this.#onChange();
  }
}
