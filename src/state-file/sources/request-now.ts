/**
 * A request that blocks its worker. Browsers have it as a synchronous XMLHttpRequest, and Node's
 * threads as src/packages/node/sync-request.ts.
 */
import { notReached } from './fetch-state.ts';

interface AnswerNow {
  ok: boolean;
  status: number;
  headers: Pick<Headers, 'get' | 'has'>;
  bytes: Uint8Array<ArrayBuffer>;
}

/** @throws HoldfastError `state-unavailable` if no server answers in time */
export function requestNow(
  url: string,
  { begin, end }: { begin: number; end: number },
  stallMs: number,
): AnswerNow {
  const request = new XMLHttpRequest();
  try {
    request.open('GET', url, false);
    request.responseType = 'arraybuffer';
    request.timeout = stallMs;
    request.setRequestHeader('Range', `bytes=${begin}-${end - 1}`);
    request.send();
  } catch (cause) {
    throw notReached(url, cause);
  }
  const { status } = request;
  const get = (name: string) => request.getResponseHeader(name);
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get, has: (name) => get(name) !== null },
    bytes: new Uint8Array(request.response as ArrayBuffer),
  };
}
