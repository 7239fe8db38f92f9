/** What a state file may claim. All of it is checked before anything is allocated. See docs/spec/state-file.md, [SF7]. */
export const stateLimits = {
  /** Title, configuration, thumbnail. */
  headBytes: 1 << 20,
  /** Contents of one frame, as stored and when decompressed. */
  frameBytes: 6 << 20,
  /** Device state, with the files' tree of the 9p share. */
  cutBytes: 24 << 20,
  /** The guest's pages: 4 GiB. */
  pages: 1 << 20,
  /**
   * How often all pages may be written. A guest that runs while it is exported needs six at most; a list of
   * the same page over and over compresses to nothing, and would keep a keeper busy for hours.
   */
  pageRounds: 16,
  /** Of a picture of the screen. */
  thumbnailBytes: 256 << 10,
  /** Console output, overlays, 9p files and carried disks together, whoever agrees to them. */
  blobBytes: 8 * 2 ** 30,
  /** Of these as much as nobody is asked about. Above it somebody is asked for twice as much each time. */
  unaskedBytes: 256 * 2 ** 20,
  /** What a blob counts for besides its bytes: an array, its buffer, and entries in several lists. */
  blobOverheadBytes: 1024,
  /** What a blob counts for at least: a hundred thousand empty ones take as much as some with contents. */
  leastBlobBytes: 4096,
  /** Names of blobs' streams. */
  nameBytes: 255,
} as const;

/** Pages of one group: large enough for what compression gains by looking around. */
export const groupPages = 1024;
/** Pages that wait to be put in order, and into groups. */
export const waitingGroups = 4;
