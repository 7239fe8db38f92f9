/** The page that lets a guest of another host in, and is asked about it: see src/client/let-in.ts. */
import { HoldfastError } from '../../errors.ts';
import type {
  CheckedGuest,
  LetInAnswer,
  LetInQuestion,
  OfferedGuest,
} from '../../protocol/migration.ts';
import { fromWireError } from '../../protocol/wire-error.ts';
import { refused } from './refused.ts';

/** Longest wait for the user's answer, ms. */
const answerMs = 600_000;

export class AskedPage {
  readonly #port: MessagePort;
  readonly #over: AbortSignal;

  /** @param over aborts when the guest does not come any more */
  constructor(port: MessagePort, over: AbortSignal) {
    this.#port = port;
    this.#over = over;
  }

  /**
   * Resolves with what the page takes of the guest.
   * @throws HoldfastError why it does not take it, or `migration-refused` without an answer
   */
  async check(offered: OfferedGuest): Promise<CheckedGuest> {
    const answer = await this.#ask({ offered });
    if ('guest' in answer) return answer.guest;
    throw refused('The page that takes the guest did not answer.');
  }

  /** Asks whether the guest's disks and files may take this much memory. @throws as {@link check} */
  async allows(sizeBytes: number): Promise<boolean> {
    const answer = await this.#ask({ sizeBytes });
    return 'isAllowed' in answer && answer.isAllowed;
  }

  async #ask(question: LetInQuestion): Promise<LetInAnswer> {
    const answered = new AbortController();
    const { signal } = answered;
    try {
      return await new Promise((resolve, reject) => {
        this.#port.onmessage = ({ data }: MessageEvent<LetInAnswer>) => {
          if ('error' in data) reject(fromWireError(data.error));
          else resolve(data);
        };
        const left = () => reject(refused('The page that takes the guest is gone.'));
        this.#port.addEventListener('close', left, { signal });
        const timer = setTimeout(() => reject(refused('The user did not let it in.')), answerMs);
        signal.addEventListener('abort', () => clearTimeout(timer));
        const end = () => reject(HoldfastError.from(this.#over.reason, 'cancelled', 'Given up'));
        this.#over.addEventListener('abort', end, { signal });
        if (this.#over.aborted) end();
        this.#port.postMessage(question);
      });
    } finally {
      answered.abort();
    }
  }
}
