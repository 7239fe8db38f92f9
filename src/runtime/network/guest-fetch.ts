/**
 * Requests of a guest over the network `fetch`. A guest is a stranger: it gets nothing that the visitor
 * of this site is known by, and nothing of this site, unless the machine's configuration says so.
 */
import type { NetworkBackend } from '../../protocol/config.ts';

type FetchConfig = Extract<NetworkBackend, { kind: 'fetch' }>;
type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The visitor's cookies and passwords, page and cache stay out of it. */
export const asStranger = {
  credentials: 'omit',
  referrerPolicy: 'no-referrer',
  cache: 'no-store',
  redirect: 'follow',
} as const satisfies RequestInit;

/**
 * Marks the options of a guest's request with its network's configuration. A browser ignores it; in Node
 * src/packages/node keeps such requests away from the own network's addresses.
 */
const ofGuest = Symbol.for('holdfast.guest-request');

/**
 * `fetch` for v86's network. Never rejects: the guest gets a sentence, not the keeper's stack.
 * @param send is called at once, while v86 looks at the frame that asks
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
      // Redirected: what this site has answered stays here.
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

/** Also in the other protocol: the same host serves both, and browsers upgrade. */
function isOfOrigin(url: string, origin: string): boolean {
  const asked = URL.parse(url);
  const own = new URL(origin);
  if (!asked) return false;
  return (
    asked.origin === own.origin || (asked.protocol !== own.protocol && asked.host === own.host)
  );
}
