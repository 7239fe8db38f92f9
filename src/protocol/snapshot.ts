/** Snapshot types that page and keeper exchange. Additive only. */

/** A snapshot in the keeper. It lasts as long as the machine. */
export interface SnapshotInfo {
  /** Random. */
  id: string;
  takenAtMs: number;
  /** Bytes in the keeper's memory. */
  sizeBytes: number;
  /** Downtime of the guest for it. */
  pauseMs: number;
}

export interface RestoreReport {
  /** Pages of RAM, of 4 KiB, that were restored. */
  pages: number;
  /** From the guest's last instruction before the restore to its first one after. */
  pauseMs: number;
}
