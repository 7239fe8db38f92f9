/** The network that the address of the page asks for, as v86's own page writes it. No DOM. */

import type { NetworkBackend } from '../../protocol/config.ts';
import { type Reached, reachOf, toBeAsked } from '../../protocol/reach.ts';

/** Completes the sentence "It may be …". */
export const allowedRelay =
  'fetch, fetch: with the http(s):// address of a CORS proxy, inbrowser, an address with ws://, wss://, wisp:// or wisps://, or none';

/** The hub that v86's own page is on. */
const usualGroup = '0';

/** @returns a backend, still to be checked; other text as it is */
export function relayBackend(text: string): unknown {
  const [, kind, rest] = /^(fetch|inbrowser):(.*)$/.exec(text) ?? [];
  if (kind === 'fetch') return { kind, corsProxy: rest };
  if (kind === 'inbrowser') return { kind, group: rest };
  if (/^wisps?:/.test(text)) return { kind: 'wisp', url: text };
  if (/^wss?:/.test(text)) return { kind: 'wsproxy', url: text };
  switch (text) {
    case 'fetch':
      return { kind: text };
    case 'inbrowser':
      return { kind: text, group: usualGroup };
    case '':
    case 'none':
      return { kind: 'none' };
    default:
      return text;
  }
}

/** A line of a question. What others chose stands alone in its value: see approval.ts. */
interface ReachLine {
  what: string;
  value: string;
  /** The value is our sentence, not what somebody else chose. */
  isOurs?: boolean;
}

/** What the guest reaches over a network, for people. */
export function networkLines({ kind, url, group, ownOrigin }: Reached): ReachLine[] {
  const line = (value: string) => ({ what: 'Network', value, isOurs: true });
  const site = ownOrigin ? 'this site as well' : 'not this site';
  switch (kind) {
    case 'fetch':
      return url === ''
        ? [line(`web servers that allow this page, also on this computer; ${site}`)]
        : [line(`web servers, through a proxy; ${site}`), { what: 'Proxy', value: url }];
    case 'inbrowser':
      return [line('machines of this browser, on a hub'), { what: 'Hub', value: group ?? '' }];
    case 'wisp':
      return /^https?:/.test(url)
        ? [{ what: 'Name server', value: url }]
        : [line('any server, with the help of this one'), { what: 'Server', value: url }];
    default:
      return [line('a relay of Ethernet frames'), { what: 'Relay', value: url }];
  }
}

/**
 * What the guest reaches over a network, for people; nothing for no network, and for a relay of the
 * page's own server.
 */
export const foreignNetwork = (backend: NetworkBackend | undefined, pageUrl: string): ReachLine[] =>
  toBeAsked(reachOf(backend ? { networkBackend: backend } : {}, pageUrl)).flatMap(networkLines);
