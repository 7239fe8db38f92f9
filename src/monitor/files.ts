/** Where a monitor's files are: the host's affair. A page has dialogs and downloads, a test a folder. */
import { CprError } from '../errors.ts';

/** Somewhere to write one file to. */
export interface FileTarget {
  /** Lets the keeper write by itself, aside first; then {@link write} is not called. */
  readonly handle?: FileSystemFileHandle;
  /** @throws CprError `file-failed` */
  write(bytes: Uint8Array, type: string): Promise<void>;
}

export interface MonitorFiles {
  /**
   * Asked before anything is done to the guest.
   * @throws CprError `cancelled` when somebody was asked and said no
   */
  create(name: string): Promise<FileTarget>;
  /**
   * @param name as it was typed; empty to let somebody choose
   * @throws CprError `not-found`, `cancelled`
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
  create: async () => ({ write: async () => undefined }),
  read: async (name) => {
    throw new CprError(
      'not-found',
      `Could not open '${name}': this monitor has no files. Use store:NAME, or give it some with its option "files".`,
    );
  },
};

const storePrefix = 'store:';

/** The name of the store entry that `file` stands for; undefined for a file. */
export function entryNameOf(file: string): string | undefined {
  return file.startsWith(storePrefix) ? file.slice(storePrefix.length) : undefined;
}

export const entryWord = (name: string): string => storePrefix + name;
