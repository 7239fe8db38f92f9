/**
 * A state that a page's worker offers before the page's own script is loaded, see src/protocol/preload.ts.
 */
import type { OpenMessage, PreloadedState, PreloadedStateAnswer } from '../../protocol/preload.ts';
import type { ImportReport, ImportRequest } from '../../protocol/state-transfer.ts';

/** Longest wait for a state's head: not every browser reports that a worker has ended. */
const preloadedStateMs = 10_000;

type Open = (request: ImportRequest, guest: MessagePort) => Promise<ImportReport>;

export class PreloadedOpening {
  readonly id: string;
  /** Never rejects. */
  readonly settled: Promise<void>;

  /**
   * @param isWanted false if there is another guest to resume
   * @param open makes the guest run
   */
  constructor({ id, offer }: OpenMessage, isWanted: Promise<boolean>, open: Open) {
    this.id = id;
    const answer = (message: PreloadedStateAnswer) => offer.postMessage(message);
    const offered = preloadedState(offer);
    this.settled = (async () => {
      let opened = false;
      try {
        if (await isWanted) {
          const found = await offered;
          opened = found !== undefined && (await open(found.request, found.guest)) !== undefined;
        }
      } catch (thrown) {
        // The page requests its guest itself, and then reports the error.
        console.warn('A state could not be opened ahead of its page:', thrown);
      }
      answer({ opened });
      offer.close();
    })();
  }
}

/** @returns undefined if the worker is gone or has nothing to offer */
function preloadedState(port: MessagePort): Promise<PreloadedState | undefined> {
  return new Promise((resolve) => {
    port.addEventListener('message', ({ data }: MessageEvent<PreloadedState | null>) =>
      resolve(data ?? undefined),
    );
    port.addEventListener('close', () => resolve(undefined));
    setTimeout(() => resolve(undefined), preloadedStateMs);
    port.start();
  });
}
