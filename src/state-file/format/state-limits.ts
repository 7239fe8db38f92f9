/** Limits of a state file. All of them are checked before anything is allocated. See docs/spec/state-file.md, [SF7]. */
export const stateLimits = {
  /** Title, configuration, thumbnail. */
  headBytes: 1 << 20,
  /** Contents of one frame, as stored and when decompressed. */
  frameBytes: 6 << 20,
  /** From format 2 on: a frame of pages. At most 256 of them have bytes. */
  packBytes: 2 << 20,
  /** Index of format 2. Four GiB of pages need 8 to 12 MiB. */
  indexBytes: 24 << 20,
  /** Device state, with the tree of the 9p share's files. */
  cutBytes: 24 << 20,
  /** The guest's pages: 4 GiB. */
  pages: 1 << 20,
  /**
   * Most times that all pages may be written. A guest that runs during its export needs six at most.
   * A list that repeats one page compresses to nothing and would occupy a keeper for hours.
   */
  pageRounds: 16,
  /** Size of a picture of the screen. */
  thumbnailBytes: 256 << 10,
  /** Console output, overlays, 9p files and carried disks together; no approval extends it. */
  blobBytes: 8 * 2 ** 30,
  /**
   * Part of these that needs no approval. Beyond it, approval of twice as much is requested each
   * time.
   */
  unaskedBytes: 256 * 2 ** 20,
  /** Cost of a blob besides its bytes: an array, its buffer, and entries in several lists. */
  blobOverheadBytes: 1024,
  /** Least cost of a blob: a hundred thousand empty ones take as much as some with contents. */
  leastBlobBytes: 4096,
  /** Names of blobs' streams. */
  nameBytes: 255,
} as const;

/**
 * Pages of one group. A reader that needs one page fetches the whole group, and compression finds no
 * repeats beyond it. Up to 256 KiB, with its lists, zstd has better parameters: the same size in half the time.
 */
export const packPages = 63;
/** Size of the lists that fit into these 256 KiB. */
export const packListBytes = 3 << 10;
/** A file on a base is small and read as a whole: larger groups are smaller when compressed. */
export const packPagesOnBase = 256;
/** Pages that wait to be ordered and grouped. */
export const mostWaitingPages = 64 * packPages;
