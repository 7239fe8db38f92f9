/**
 * Flags of a place that the workers of an origin share: a Web Lock by its name, held by the worker
 * that set it.
 */
import { webLocks } from '../protocol/web-locks.ts';
import { answerTo, writeMs } from './answers.ts';

/**
 * `retired`: the place must not be opened again while the browser runs, see docs/spec/storage.md [F2].
 * `renewed`: its log was begun in this life of the browser.
 */
type PlaceFlag = 'retired' | 'renewed';

const own = new Map<string, number>();
const lockName = (flag: PlaceFlag, place: number) => `holdfast.${flag} ${place}`;

/** Sets a flag. @returns a function that clears it */
export function flag(name: PlaceFlag, place: number): () => void {
  const lock = lockName(name, place);
  own.set(lock, (own.get(lock) ?? 0) + 1);
  let release = () => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  webLocks()
    ?.request(lock, { mode: 'shared' }, () => held)
    .catch(() => undefined);
  let isHeld = true;
  return () => {
    if (isHeld) own.set(lock, (own.get(lock) ?? 1) - 1);
    isHeld = false;
    release();
  };
}

/** @throws HoldfastError `storage-blocked` if the browser does not answer */
export async function hasFlag(name: PlaceFlag, place: number): Promise<boolean> {
  const lock = lockName(name, place);
  if ((own.get(lock) ?? 0) > 0) return true;
  const asked = webLocks()?.query();
  const held = (asked && (await answerTo(asked, 'say what others store')).held) ?? [];
  return held.some((other) => other.name === lock);
}

/** Tasks that only one worker of the origin may do at a time. */
type AloneTask = 'places' | 'renewal' | 'probe';

/**
 * Runs `action` while no other worker of the origin does the same.
 * @throws HoldfastError `storage-blocked` if another one does not finish
 */
export async function alone<T>(task: AloneTask, action: () => Promise<T>): Promise<T> {
  const locks = webLocks();
  if (!locks) return action();
  const waiting = new AbortController();
  let begin = () => {};
  const begun = new Promise<void>((done) => {
    begin = done;
  });
  const running = locks.request(`holdfast.${task}`, { signal: waiting.signal }, () => {
    begin();
    return action();
  });
  // The first of the two: errors before the start are reported here.
  const first = Promise.race([begun, running.then(() => undefined)]);
  try {
    await answerTo(first, 'wait for another page that stores machines', writeMs);
  } catch (thrown) {
    running.catch(() => undefined);
    waiting.abort();
    throw thrown;
  }
  return running;
}
