import type { DriveName, DriveSource, RemovableDriveName } from './config.ts';

/** A drive and its medium, as `info block` shows it. */
export interface BlockInfo {
  device: DriveName;
  kind: 'disk' | 'cdrom' | 'floppy';
  /** Absent for an empty drive. */
  medium?: {
    /** Source of the base, see {@link DiskIdentity.base}. */
    base: string;
    /**
     * `later`: its server was unreachable when the guest was restored; it is opened at the first
     * read.
     */
    backing: 'bytes' | 'range' | 'parts' | 'file' | 'empty' | 'later';
    /** Size of the disk as the guest sees it. */
    sizeBytes: number;
    /** Blocks of 4 KiB that the guest wrote, and the number of writes. */
    overlay: { blocks: number; generation: number };
    /** Backings that are read in parts: chunks of 64 KiB. */
    cache?: { chunks: number; hits: number; misses: number };
    /** Present if the base no longer matches the one that the guest has used: a sentence. */
    changed?: string;
  };
  /** Operations that the guest waits for. */
  inFlight: number;
}

/** Commands of a runtime about disks, see {@link RuntimeCommands}. */
export interface DiskCommands {
  infoBlock(): BlockInfo[];
  /**
   * Puts a medium into a drive in place of the present one. The guest sees the change.
   * @throws HoldfastError `bad-config`, `image-unavailable`, `busy`
   */
  changeMedia(device: RemovableDriveName, source: DriveSource): Promise<void>;
  /** Empties a drive. A pending read of the guest ends with a disk error. */
  ejectMedia(device: RemovableDriveName): void;
  /**
   * Reads a part of a disk as the guest would read it: at most 16 MiB, less at the disk's end.
   * @throws HoldfastError `not-found` for an empty drive, `image-unavailable`
   */
  readDisk(device: DriveName, start: number, length: number): Promise<Uint8Array>;
  /**
   * Discards all data that the guest wrote to a disk. The guest must be stopped and does not expect
   * this.
   * @throws HoldfastError `bad-runstate`, `not-found`
   */
  resetDisk(device: DriveName): void;
  /**
   * Checks that external bases still match the ones that the guest has used. The result appears in
   * the blockers and in {@link infoBlock}.
   */
  checkDisks(): Promise<void>;
}
