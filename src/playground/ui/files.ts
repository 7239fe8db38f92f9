/** Files in and out of the page, with the dialogs of the browser. */
import { HoldfastError } from '../../errors.ts';
import { create } from './element.ts';

/** Chromium's; elsewhere files are downloaded. https://wicg.github.io/file-system-access/ */
type SavePicker = (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;

/** Saves a file where the browser puts downloads. */
export function download(name: string, contents: Blob): void {
  const link = create('a');
  link.href = URL.createObjectURL(contents);
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * Asks where a file is to go; to be called while a click or key press is handled.
 * @returns undefined where the browser can only download
 * @throws HoldfastError `cancelled`, `file-failed`
 */
export async function saveHandle(suggestedName: string): Promise<FileSystemFileHandle | undefined> {
  const { showSaveFilePicker } = window as { showSaveFilePicker?: SavePicker };
  if (!showSaveFilePicker) return undefined;
  try {
    return await showSaveFilePicker.call(window, { suggestedName });
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError')
      throw new HoldfastError('cancelled', 'No file was chosen.', { cause: thrown });
    // Not allowed here, as in a frame of another origin: a download still is.
    if (thrown instanceof DOMException && thrown.name === 'SecurityError') return undefined;
    throw HoldfastError.from(thrown, 'file-failed', `Cannot write to ${suggestedName}`);
  }
}

/**
 * Asks for a file; to be called while a click or key press is handled.
 * @returns undefined when none was chosen
 */
export function chooseFile(): Promise<File | undefined> {
  const input = create('input');
  input.type = 'file';
  return new Promise((resolve) => {
    input.addEventListener('change', () => resolve(input.files?.[0]));
    input.addEventListener('cancel', () => resolve(undefined));
    input.click();
  });
}
