/** A guest of another host is checked by the page that lets it in: see src/client/let-in.ts. */
import { HoldfastError } from '../../errors.ts';
import type { CheckedGuest, OfferedGuest } from '../../protocol/migration.ts';
import { fromWireError } from '../../protocol/wire-error.ts';
import { refused } from './refused.ts';

/** Longest wait for the user's answer, ms. */
const answerMs = 600_000;

/**
 * Resolves with what the page takes of the guest.
 * @throws HoldfastError why it does not take it, or `migration-refused` without an answer
 */
export async function askPage(
  ask: MessagePort,
  offered: OfferedGuest,
  signal: AbortSignal,
): Promise<CheckedGuest> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise((resolve, reject) => {
      ask.onmessage = ({ data }: MessageEvent<CheckedGuest | { error: unknown }>) => {
        if ('error' in data) reject(fromWireError(data.error));
        else resolve(data);
      };
      ask.addEventListener('close', () =>
        reject(refused('The page that takes the guest is gone.')),
      );
      timer = setTimeout(() => reject(refused('The user did not let the guest in.')), answerMs);
      const abort = () => reject(HoldfastError.from(signal.reason, 'cancelled', 'Given up'));
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      ask.postMessage(offered);
    });
  } finally {
    clearTimeout(timer);
    ask.close();
  }
}
