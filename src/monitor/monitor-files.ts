/**
 * Files of a monitor. The host decides where they are: dialogs and downloads in a page, a folder in
 * a test.
 */
import { HoldfastError } from '../errors.ts';

export interface MonitorFiles {
  /** @throws HoldfastError `file-failed`, or `cancelled` if the user declined */
  write(name: string, type: string, bytes: Uint8Array): Promise<void>;
  /**
   * Returns a place that the keeper itself writes to. The keeper writes a temporary file first, so
   * that the existing file stays intact until the new one is complete.
   *
   * Called before the guest changes. If the result is undefined, the monitor calls {@link write}.
   * @throws HoldfastError `cancelled`
   */
  handle?(name: string): Promise<FileSystemFileHandle | undefined>;
  /**
   * @param name as typed, to show to the user who picks the file
   * @throws HoldfastError `not-found`, `cancelled`
   */
  read(name: string): Promise<Blob>;
  /** Returns names for completion. */
  names?(): Promise<readonly string[]>;
}

/** A file that a command wrote. */
export interface WrittenFile {
  name: string;
  type: string;
  /** Missing if the file was written directly to its place. */
  bytes?: Uint8Array;
}

/** Files for API callers that read the result of a command: nothing is kept, and no file exists. */
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

/** Returns the name of a store entry on the command line. */
export const fileOfEntry = (name: string): string => storePrefix + name;

/** Returns the name of the store entry that `file` stands for; undefined for a file. */
export function entryNameOf(file: string): string | undefined {
  return file.startsWith(storePrefix) ? file.slice(storePrefix.length) : undefined;
}
