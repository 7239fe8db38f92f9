/** Where the cable of the network device ends. */
import * as v from 'valibot';
import type { NetworkBackend } from '../config.ts';
import type { ValueKind } from './option.ts';
import { urlInFile } from './source-kinds.ts';

const address = (...schemes: string[]) =>
  v.pipe(
    v.string(),
    v.check((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol)),
  );
const isHost = (text: string) => URL.parse(`https://${text}/`)?.host === text.toLowerCase();
const webAddress = v.optional(address('http:', 'https:'));

const schema = v.union([
  v.picklist(['none', 'fetch']),
  v.strictObject({ kind: v.literal('none') }),
  v.strictObject({
    kind: v.literal('fetch'),
    corsProxy: webAddress,
    ownOrigin: v.optional(v.boolean()),
    privateAddresses: v.optional(v.boolean()),
  }),
  v.strictObject({
    kind: v.literal('wisp'),
    url: address('wisp:', 'wisps:', 'ws:', 'wss:'),
    dohServer: v.optional(v.pipe(v.string(), v.check(isHost))),
  }),
  v.strictObject({ kind: v.literal('inbrowser'), group: v.pipe(v.string(), v.nonEmpty()) }),
  v.strictObject({ kind: v.literal('wsproxy'), url: address('ws:', 'wss:') }),
]);

/** A file neither widens a network, as `ownOrigin` does, nor names a server by other than a plain URL. */
function inFile(siteUrl: string) {
  const web = urlInFile(siteUrl);
  const socket = v.pipe(
    v.string(),
    v.transform((text) => text.replace(/^wisp(s?):/, 'ws$1:')),
    urlInFile(siteUrl, ['ws:', 'wss:']),
  );
  const host = v.pipe(
    v.string(),
    v.transform((text) => (/^https?:/.test(text) ? text : `https://${text}/`)),
    web,
    v.transform((url) => new URL(url).host),
  );
  return v.variant('kind', [
    v.object({ kind: v.literal('none') }),
    v.object({ kind: v.literal('fetch'), corsProxy: v.optional(web) }),
    v.object({ kind: v.literal('wisp'), url: socket, dohServer: v.optional(host) }),
    v.object({ kind: v.literal('inbrowser'), group: v.pipe(v.string(), v.maxLength(255)) }),
    v.object({ kind: v.literal('wsproxy'), url: socket }),
  ]);
}

/** `fetch`, `fetch:PROXY`, `wisp:URL`, `inbrowser:GROUP`, `wsproxy:URL`. */
function fromText(text: string): unknown {
  const [, kind, rest] = /^(fetch|wisp|inbrowser|wsproxy):(.+)$/.exec(text) ?? [];
  switch (kind) {
    case 'fetch':
      return { kind, corsProxy: rest };
    case 'wisp':
      // The text itself is a URL of that scheme.
      return { kind, url: rest?.startsWith('//') ? text : rest };
    case 'inbrowser':
      return { kind, group: rest };
    case 'wsproxy':
      return { kind, url: rest };
    default:
      return text.startsWith('wisps://') ? { kind: 'wisp', url: text } : text;
  }
}

export const networkBackend: ValueKind = {
  allowed:
    "'none', 'fetch', { kind: 'fetch', corsProxy: an http(s):// URL, ownOrigin, privateAddresses: true or false }, { kind: 'wisp', url: a wisp(s):// or ws(s):// URL }, " +
    "{ kind: 'inbrowser', group } or { kind: 'wsproxy', url: a ws(s):// URL }",
  schema,
  fromText,
  toConfig: (backend: NetworkBackend | NetworkBackend['kind']) =>
    typeof backend === 'string' ? { kind: backend } : backend,
  inFile,
};

/** Completes the sentence "… may be", of `relay_url`. */
export const allowedRelay =
  'fetch, fetch: with the http(s):// address of a CORS proxy, inbrowser, an address with ws://, wss://, wisp:// or wisps://, or none';

/** The hub that v86's own page is on. */
const usualGroup = '0';

/** As v86's own page has it. */
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
