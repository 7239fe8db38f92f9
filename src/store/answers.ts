/**
 * Limits for what the browser is asked: on a disk that is full or fails it may never answer. Then the
 * asker hears of it, and goes on without.
 */
import { HoldfastError } from '../errors.ts';

/** Longest silence of what opens, lists or looks up, ms. A busy computer takes a second. */
const lookMs = 10_000;
/** Longest silence while values are read, ms. */
export const readMs = 30_000;
/** Longest silence while values are written, ms: much may wait in line, and others may be at it. */
export const writeMs = 60_000;

/** A computer that sleeps misses one look at the most. */
const looks = 10;

/** What is asked of one party: as long as it answers anything, its other answers are waited for. */
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

/** As {@link Answers.to}, of a party that is asked nothing else. */
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
