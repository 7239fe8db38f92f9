/** The network that the address of the page asks for, as v86's own page writes it. No DOM. */

import type { NetworkBackend } from '../protocol/config.ts';

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

/** Whom v86 asks for the addresses of names where it has a wisp server. */
const nameServer = 'cloudflare-dns.com';

/**
 * What the guest reaches over a network, for people; undefined for nothing but a relay of the page's
 * own server.
 */
export function foreignNetwork(
  backend: NetworkBackend | undefined,
  pageOrigin: string,
): string | undefined {
  switch (backend?.kind) {
    case undefined:
    case 'none':
      return undefined;
    case 'fetch':
      return backend.corsProxy === undefined
        ? 'web servers that allow this page, and those of this computer that do'
        : `web servers, through ${backend.corsProxy}`;
    case 'inbrowser':
      return `machines of this browser on the hub “${backend.group}”`;
    case 'wisp':
      return `${backend.url}, with names looked up at ${nameServer}`;
    case 'wsproxy':
      return relayOrigin(backend.url) === pageOrigin ? undefined : backend.url;
  }
}

/** That of the server that the WebSocket is asked of. */
const relayOrigin = (url: string) => URL.parse(url.replace(/^ws/, 'http'))?.origin;
