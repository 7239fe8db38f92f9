/** Files in and out of the page, through the browser's dialogs. */
import { HoldfastError } from '../../errors.ts';
import { create } from './element.ts';

/** Only in Chromium. Other browsers download the file. https://wicg.github.io/file-system-access/ */
type SavePicker = (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;

/** Saves a file to the browser's downloads. */
export function download(name: string, contents: Blob): void {
  const link = create('a');
  link.href = URL.createObjectURL(contents);
  link.download = name;
  link.click();
  // By then the download has begun.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * Asks for a target file. Call it while a click or key press is handled.
 * @returns undefined if the browser can only download
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
    // A frame of another origin may not ask. It may still download.
    if (thrown instanceof DOMException && thrown.name === 'SecurityError') return undefined;
    throw HoldfastError.from(thrown, 'file-failed', `Cannot write to ${suggestedName}`);
  }
}

/**
 * Asks for a file. Call it while a click or key press is handled.
 * @returns undefined if none was chosen
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
