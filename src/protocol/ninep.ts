/** Questions about the 9p share. Additive only. */

export interface NinepEntry {
  name: string;
  kind: 'file' | 'directory' | 'link' | 'other';
  /** 0 for what is not a file. */
  sizeBytes: number;
  /** As `Date.now()`, in whole seconds. */
  modifiedMs: number;
}
