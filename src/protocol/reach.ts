/**
 * URLs and networks that a machine of a configuration fetches or connects to. This is the only list
 * of them; the approval of a stranger's machine uses it.
 */
import type { MachineConfig, NetworkBackend } from './config.ts';
import { type ImageName, imageKeys } from './images.ts';

/** Resolves names for guests on a wisp server. */
const defaultNameServer = 'cloudflare-dns.com';

/** @param server a host with an optional port */
export const nameServerUrl = (server = defaultNameServer): string => `https://${server}/dns-query`;

/** Something that a machine would fetch or connect to. */
export interface Reached {
  /**
   * Purpose: `base`, a drive or image such as `hda` or `bzImage`, `network`, or `memory`. `memory`
   * is no address but the room that a state unpacks to.
   */
  purpose: 'base' | 'network' | 'memory' | ImageName;
  /** Kind of a network. Each kind but `wsproxy` reaches more than its own address. */
  kind?: Exclude<NetworkBackend['kind'], 'none'>;
  /** Absolute. Empty without a single address: networks of the kinds `fetch` and `inbrowser`. */
  url: string;
  /** True if this is all that is reached, and of the page's origin: no approval is needed. */
  isSameOrigin: boolean;
  /** A network `fetch` reaches the page's own site as well. Only an embedder's own code sets it. */
  ownOrigin?: true;
  /** Name of the hub of a network `inbrowser`. */
  group?: string;
  /** Bytes that `memory` may unpack to. */
  sizeBytes?: number;
}

/** Sockets of the page's own host count as its origin. */
const originOf = (url: string): string => new URL(url.replace(/^w(isp|s)(s?):/, 'http$2:')).origin;

/** @param purpose an image, or the base that a state builds on */
export function reachedFile(purpose: Reached['purpose'], url: string, siteUrl: string): Reached {
  return { purpose, url, isSameOrigin: originOf(url) === originOf(siteUrl) };
}

/** Returns everything that is reached, with or without approval. @param siteUrl of the page */
export function reachOf(config: Partial<MachineConfig>, siteUrl: string): Reached[] {
  const files = imageKeys.flatMap((name) => {
    const source = config[name];
    return source && 'url' in source ? [reachedFile(name, source.url, siteUrl)] : [];
  });
  return [...files, ...reachOfNetwork(config.networkBackend, siteUrl)];
}

function reachOfNetwork(backend: NetworkBackend | undefined, siteUrl: string): Reached[] {
  const network = (url: string, more: Partial<Reached> = {}): Reached => ({
    purpose: 'network',
    ...(backend && backend.kind !== 'none' && { kind: backend.kind }),
    url,
    isSameOrigin: false,
    ...more,
  });
  switch (backend?.kind) {
    case undefined:
    case 'none':
      return [];
    case 'fetch':
      return [network(backend.corsProxy ?? '', backend.ownOrigin ? { ownOrigin: true } : {})];
    case 'inbrowser':
      return [network('', { group: backend.group })];
    case 'wisp':
      return [network(backend.url), network(nameServerUrl(backend.dohServer))];
    case 'wsproxy':
      return [network(backend.url, { isSameOrigin: originOf(backend.url) === originOf(siteUrl) })];
  }
}

/** Addresses and sizes that a user must approve first. */
export const toBeAsked = (reached: readonly Reached[]): Reached[] =>
  reached.filter(({ isSameOrigin }) => !isSameOrigin);
