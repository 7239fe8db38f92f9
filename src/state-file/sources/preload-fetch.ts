/**
 * A state file that is fetched before the worker has its job. The job is a message that needs the
 * page's thread, which is busy during a start. A worker knows its name at once: the URL.
 */

/** Requests a file. The signal applies to its body as well. */
export type RequestFile = (url: string, signal: AbortSignal) => Promise<Response>;

/** @returns a request that is already under way, or a new one for any other URL and a second time */
export function preloadFetch(preloadedUrl: string): RequestFile {
  const ended = new AbortController();
  let underWay: Promise<Response> | undefined = fetch(preloadedUrl, { signal: ended.signal });
  // The caller that takes the request gets its error.
  underWay.catch(() => {});
  return (url, signal) => {
    const response = underWay;
    if (url !== preloadedUrl || !response) return fetch(url, { signal });
    underWay = undefined;
    const end = () => ended.abort(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
    return response;
  };
}
