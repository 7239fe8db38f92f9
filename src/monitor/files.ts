/** Where a monitor's files are: the host's affair. A page has dialogs and downloads, a test a folder. */
import { HoldfastError } from '../errors.ts';

export interface MonitorFiles {
  /** @throws HoldfastError `file-failed`, or `cancelled` when somebody was asked and said no */
  write(name: string, type: string, bytes: Uint8Array): Promise<void>;
  /**
   * A place that the keeper writes to by itself, aside first, so that what is there stays good until
   * the new one is whole. Asked before anything is done to the guest. Undefined: {@link write} it is.
   * @throws HoldfastError `cancelled`
   */
  handle?(name: string): Promise<FileSystemFileHandle | undefined>;
  /**
   * @param name as it was typed, for whoever is asked which file that is
   * @throws HoldfastError `not-found`, `cancelled`
   */
  read(name: string): Promise<Blob>;
  /** For completion. */
  names?(): Promise<readonly string[]>;
}

/** A file that a command wrote. */
export interface WrittenFile {
  name: string;
  type: string;
  /** Absent when it went straight to its place. */
  bytes?: Uint8Array;
}

/** For callers of the API who look at the result of a command: nothing is kept, nothing is there. */
export const resultFiles: MonitorFiles = {
  write: async () => undefined,
  read: async (name) => {
    throw new HoldfastError(
      'not-found',
      `Could not open '${name}': this monitor has no files. Use store:NAME, or give it some with its option "files".`,
    );
  },
};

const storePrefix = 'store:';

/** What stands for a store entry on the command line. */
export const fileOfEntry = (name: string): string => storePrefix + name;

/** The name of the store entry that `file` stands for; undefined for a file. */
export function entryNameOf(file: string): string | undefined {
  return file.startsWith(storePrefix) ? file.slice(storePrefix.length) : undefined;
}
