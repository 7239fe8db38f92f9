/**
 * Returns the result of `promise`, or throws the reason of `signal` once it aborts. The promise
 * then continues unobserved.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    const settled = () => signal.removeEventListener('abort', abort);
    promise.then(
      (value) => {
        settled();
        resolve(value);
      },
      (thrown) => {
        settled();
        reject(thrown);
      },
    );
  });
}

/**
 * Starts an action and waits for it until `parent` aborts or `limitMs` have passed. Its signal
 * never aborts after it is done.
 */
export async function withDeadline<T>(
  limitMs: number,
  parent: AbortSignal,
  begin: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const follow = () => controller.abort(parent.reason);
  if (parent.aborted) follow();
  parent.addEventListener('abort', follow);
  const timer = setTimeout(() => {
    controller.abort(new Error(`it took longer than ${limitMs / 1000} seconds`));
  }, limitMs);
  try {
    return await abortable(begin(signal), signal);
  } finally {
    clearTimeout(timer);
    parent.removeEventListener('abort', follow);
  }
}
