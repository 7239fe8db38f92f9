/**
 * Time limits for browser calls: on a full or failing disk the browser may never answer. Then the
 * caller gets an error and continues without.
 */
import { HoldfastError } from '../errors.ts';

/** Longest silence of an open, list or look-up, ms. A busy computer takes a second. */
const lookMs = 10_000;
/** Longest silence while values are read, ms. */
export const readMs = 30_000;
/**
 * Longest silence while values are written, ms: many writes may be queued, also those of others.
 */
export const writeMs = 60_000;

/** Number of checks. A computer that sleeps misses one at most. */
const looks = 10;

/** Calls to one party. While it answers any of them, the other answers are still awaited. */
export class Answers {
  #count = 0;

  /**
   * @param doing completes "The browser does not answer when asked to …"
   * @throws HoldfastError `storage-blocked` after `silenceMs` without any answer
   */
  to<T>(asked: Promise<T>, doing: string, silenceMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      let count = this.#count;
      let silentLooks = 0;
      const timer = setInterval(() => {
        silentLooks = count === this.#count ? silentLooks + 1 : 0;
        count = this.#count;
        if (silentLooks < looks) return;
        clearInterval(timer);
        reject(new NoAnswer(doing));
      }, silenceMs / looks);
      const answered = () => {
        clearInterval(timer);
        this.#count++;
      };
      asked.then(
        (value) => {
          answered();
          resolve(value);
        },
        (thrown) => {
          answered();
          reject(thrown);
        },
      );
    });
  }
}

/** Like {@link Answers.to}, for a single call to a party. */
export const answerTo = <T>(asked: Promise<T>, doing: string, silenceMs = lookMs): Promise<T> =>
  new Answers().to(asked, doing, silenceMs);

export class NoAnswer extends HoldfastError {
  constructor(doing: string) {
    super(
      'storage-blocked',
      `The browser does not answer when asked to ${doing}. Close the other pages of this site, or restart the browser.`,
    );
  }
}
