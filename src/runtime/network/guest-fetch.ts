/**
 * Requests of a guest over the network `fetch`. A guest is a stranger. Its requests must not
 * carry the identity of the site's visitor. They reach the site only if the configuration allows it.
 */
import type { NetworkBackend } from '../../protocol/config.ts';

type FetchConfig = Extract<NetworkBackend, { kind: 'fetch' }>;
type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Keeps out the visitor's cookies and passwords, the page and the cache. */
export const asStranger = {
  credentials: 'omit',
  referrerPolicy: 'no-referrer',
  cache: 'no-store',
  redirect: 'follow',
} as const satisfies RequestInit;

/**
 * Marks the options of a guest's request with its network's configuration. A browser ignores it. In
 * Node, src/packages/node keeps such requests away from addresses of its own network.
 */
const ofGuest = Symbol.for('holdfast.guest-request');

/**
 * Returns `fetch` for v86's network. It never rejects: the guest gets a sentence, not the keeper's
 * stack.
 * @param send called synchronously, while v86 processes the frame of the request
 */
export function guestFetch(config: FetchConfig, send: Fetch): Fetch {
  const own = globalThis.location?.origin;
  const isRefused = (url: string) =>
    !config.ownOrigin && own !== undefined && own !== 'null' && isOfOrigin(url, own);
  return async (url, init) => {
    if (isRefused(url)) return refusal();
    try {
      const response = await send(url, {
        ...init,
        ...asStranger,
        [ofGuest]: config,
      } as RequestInit);
      // After a redirect to this site, its answer is withheld.
      if (!isRefused(response.url)) return response;
      await response.body?.cancel().catch(() => undefined);
      return refusal();
    } catch {
      return answer(
        502,
        'Bad Gateway',
        'The request failed: the server cannot be reached, or does not let this page read its answers (CORS).',
      );
    }
  };
}

const refusal = () =>
  answer(403, 'Forbidden', 'This network does not reach the site that runs the machine.');

function answer(status: number, statusText: string, sentence: string): Response {
  const headers = { 'content-type': 'text/plain' };
  return new Response(`${sentence}\n`, { status, statusText, headers });
}

/** Includes the other protocol: the same host serves both, and browsers upgrade. */
function isOfOrigin(url: string, origin: string): boolean {
  const asked = URL.parse(url);
  const own = new URL(origin);
  if (!asked) return false;
  return (
    asked.origin === own.origin || (asked.protocol !== own.protocol && asked.host === own.host)
  );
}
