import type { DriveName, DriveSource, RemovableDriveName } from './config.ts';

/** A drive and what is in it, as `info block` shows it. */
export interface BlockInfo {
  device: DriveName;
  kind: 'disk' | 'cdrom' | 'floppy';
  /** Absent for an empty drive. */
  medium?: {
    /** Where the base comes from, see {@link DiskIdentity.base}. */
    base: string;
    /** `later`: its server was away when the guest came back; it is opened at its first read. */
    backing: 'bytes' | 'range' | 'parts' | 'file' | 'empty' | 'later';
    /** Size of the disk as the guest sees it. */
    sizeBytes: number;
    /** Blocks of 4 KiB that the guest wrote, and the number of writes. */
    overlay: { blocks: number; generation: number };
    /** Backings that are read in parts: chunks of 64 KiB. */
    cache?: { chunks: number; hits: number; misses: number };
    /** Set when the base is no longer what the guest has been using: a sentence. */
    changed?: string;
  };
  /** Operations that the guest waits for. */
  inFlight: number;
}

/** Commands of a runtime about disks, see {@link RuntimeCommands}. */
export interface DiskCommands {
  infoBlock(): BlockInfo[];
  /**
   * Puts a medium into a drive, in the place of what is there. The guest sees the change.
   * @throws HoldfastError `bad-config`, `image-unavailable`, `busy`
   */
  changeMedia(device: RemovableDriveName, source: DriveSource): Promise<void>;
  /** Empties a drive. A read that the guest waits for ends with a disk error. */
  ejectMedia(device: RemovableDriveName): void;
  /**
   * A part of a disk as the guest would read it, at most 16 MiB, less at the disk's end.
   * @throws HoldfastError `not-found` for an empty drive, `image-unavailable`
   */
  readDisk(device: DriveName, start: number, length: number): Promise<Uint8Array>;
  /**
   * Throws away what the guest wrote to a disk. The guest must be stopped; it will not expect this.
   * @throws HoldfastError `bad-runstate`, `not-found`
   */
  resetDisk(device: DriveName): void;
  /**
   * Looks whether the bases that are elsewhere are still what the guest has been using. The answer is
   * in the blockers and in {@link infoBlock}.
   */
  checkDisks(): Promise<void>;
}
