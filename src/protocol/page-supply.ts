/**
 * Pages of a guest that are read from a published state file when they are needed. The keeper uses a
 * supply and does not know the file's format: the code comes from src/state-file. Additive only.
 */

/** A state file at a URL, as it was when the guest was opened from it. Checkpoints store it. */
export interface SupplyReference {
  url: string;
  sizeBytes: number;
  /** `xxh64:…` of the file. Every page is checked against it, by way of the file's index. */
  digest: string;
  /** The ETag, or the time of the last change. Null if the server hides both. */
  tag: string | null;
  /** The bytes of the file before its first frame. With `end`, they open it without a request. */
  begin: Uint8Array<ArrayBuffer>;
  /** The bytes of the file from its index on. */
  end: Uint8Array<ArrayBuffer>;
}

/** Pages that are read together. */
export interface SuppliedPack {
  number: number;
  /** Size in the file. */
  sizeBytes: number;
  /** Numbers of its pages, ascending, as in the ranges of the file's head. */
  pages: Uint32Array;
}

export interface SuppliedPage {
  page: number;
  /** 4 KiB. */
  bytes: Uint8Array;
}

export interface PageSupply {
  /** All packs, in the order of the file. */
  readonly packs: readonly SuppliedPack[];
  /** Returns the number of the pack that has this page; undefined if none has. */
  packOf(page: number): number | undefined;
  /**
   * Reads all pages of a pack. They are checked: none is ever of another version of the file.
   * @throws HoldfastError `state-unavailable`, `state-changed`, `bad-state-file`
   */
  read(pack: number): Promise<SuppliedPage[]>;
  /** As {@link read}, and blocks this worker meanwhile. */
  readNow(pack: number): SuppliedPage[];
}

export interface Supplies {
  /**
   * Loads what {@link open} needs.
   * @throws HoldfastError `part-unavailable`
   */
  prepare(): Promise<void>;
  /**
   * Opens a state file without a request.
   * @param ended aborts when no more is read
   * @throws HoldfastError `bad-state-file`, or as {@link prepare}
   */
  open(reference: SupplyReference, ended?: AbortSignal): Promise<PageSupply>;
}
