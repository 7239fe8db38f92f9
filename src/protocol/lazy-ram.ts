/**
 * Guest RAM of which a part has not arrived: the contract between the keeper, which fetches pages, and
 * the runtime, which notices when the guest needs one.
 *
 * A page is present or absent. It becomes present once and never absent again. The map of present pages
 * is a RAM block of the keeper, so that it outlives runtimes.
 */

/** Name of the RAM block with one byte for each page of guest RAM: 1 if the page is present. */
export const presentBlock = 'keeper.present';

/** The keeper's side: absent pages, and ways to get them. Page numbers are guest-physical. */
export interface AbsentPages {
  /** Place of the map in the memory of the guest. */
  readonly map: { address: number; pages: number };
  /**
   * Asks for a page that the guest waits for. Returns at once, and may be called often for the same
   * page. {@link LazyRam.arrived} follows once the page is there.
   */
  want(page: number): void;
  /**
   * Brings pages before it returns, for a device that cannot wait. It blocks the worker.
   * @throws HoldfastError `memory-unavailable`; the pages are still absent
   */
  bringNow(pages: readonly number[]): void;
}

/** The runtime's side. All calls are between two slices of the guest. */
export interface LazyRam {
  /** Begins. Called in the task that loads the guest: devices may use memory after it. */
  begin(absent: AbsentPages): void;
  /** Pages arrived, and are marked in the map: a guest that waits for one of them continues. */
  arrived(): void;
  /** All pages are present. From now on the mechanism costs nothing. */
  end(): void;
  /** The page that the guest waits for, undefined while it runs. */
  readonly waitsFor: number | undefined;
}
