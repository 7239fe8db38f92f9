/** Progress of the start of a guest. No DOM. */
import { formatBytes } from '../ui/format.ts';
import type { Progress } from '../ui/progress-bar.tsx';

interface FileProgress {
  file: string;
  loaded: number;
  /** 0 if the server does not send the length. */
  total: number;
  done: boolean;
}

export type ProgressView = Progress;

/** Tracks the files in transfer. Several may be under way at once. */
export class BootProgress {
  readonly #files = new Map<string, FileProgress>();

  add(progress: FileProgress): void {
    this.#files.set(progress.file, progress);
  }

  clear(): void {
    this.#files.clear();
  }

  /** Whether a file is known to be in transfer. */
  get isLoading(): boolean {
    return [...this.#files.values()].some(({ done }) => !done);
  }

  /** @param runs whether the guest runs already: then nothing is left to load */
  view(runs: boolean): ProgressView {
    const files = [...this.#files.values()];
    const current = files.find(({ done }) => !done);
    if (!current) {
      return { label: runs ? 'Booting…' : 'Preparing the machine…', fraction: null, bytes: '' };
    }
    const { loaded, total } = current;
    const known = total > 0;
    return {
      label: `Loading ${fileName(current.file)}`,
      // A compressed transfer can deliver more than the server announced.
      fraction: known ? Math.min(1, loaded / total) : null,
      bytes: known ? `${formatBytes(loaded)} of ${formatBytes(total)}` : formatBytes(loaded),
    };
  }
}

/** The last part of a URL or path. */
function fileName(file: string): string {
  return (
    file
      .replace(/[?#].*/, '')
      .split('/')
      .filter(Boolean)
      .at(-1) ?? file
  );
}
