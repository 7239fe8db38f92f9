/** Describes the reach of a machine's network. No DOM. */

import type { NetworkBackend } from '../../protocol/config.ts';
import { type Reached, reachOf, toBeAsked } from '../../protocol/reach.ts';

/** A line of a question. Foreign text stands alone in its value: see ui/approval.tsx. */
interface ReachLine {
  what: string;
  value: string;
  /** The value is a sentence of this page, not foreign text. */
  isOurs?: boolean;
}

/** Lines that show the reach of a guest's network. */
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
 * Lines that show the reach of a guest's network. Empty without a network, and for a relay of the page's
 * own server.
 */
export const foreignNetwork = (backend: NetworkBackend | undefined, pageUrl: string): ReachLine[] =>
  toBeAsked(reachOf(backend ? { networkBackend: backend } : {}, pageUrl)).flatMap(networkLines);
