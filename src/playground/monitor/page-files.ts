/** Files of the page's monitor: downloads, and the browser's file dialogs. */
import { HoldfastError } from '../../errors.ts';
import type { MonitorFiles } from '../../index.ts';
import { chooseFile, download, saveHandle } from '../ui/files.ts';

/** Downloads the files that commands save. The visitor chooses the place of a state. */
export class PageFiles implements MonitorFiles {
  async write(name: string, type: string, bytes: Uint8Array): Promise<void> {
    download(name, new Blob([bytes as Uint8Array<ArrayBuffer>], { type }));
  }

  handle(name: string): Promise<FileSystemFileHandle | undefined> {
    return saveHandle(name);
  }

  async read(name: string): Promise<Blob> {
    const file = await chooseFile();
    if (file) return file;
    throw new HoldfastError('cancelled', `No file was chosen for '${name}'.`);
  }
}
