/** Questions about the 9p share. Additive only. */

export interface NinepEntry {
  name: string;
  kind: 'file' | 'directory' | 'link' | 'other';
  /** 0 for entries that are not files. */
  sizeBytes: number;
  /** Like `Date.now()`, in whole seconds. */
  modifiedMs: number;
}
