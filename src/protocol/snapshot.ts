/** Words of snapshots that travel between page and keeper. Additive only. */

/** A snapshot in the keeper: it lasts as long as the machine. */
export interface SnapshotInfo {
  /** Random. */
  id: string;
  takenAtMs: number;
  /** Bytes in the keeper's memory. */
  sizeBytes: number;
  /** How long the guest stood still for it. */
  pauseMs: number;
}

export interface RestoreReport {
  /** Pages of RAM, of 4 KiB, that were put back. */
  pages: number;
  /** From the guest's last instruction before to its first one after. */
  pauseMs: number;
}
