/**
 * A program in Node stands inside of a network, and no CORS keeps a guest from its servers. So a state
 * that a stranger made reaches only the internet.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { CprError } from '../errors.ts';
import type { RequirePublic } from '../machine/state-files.ts';
import { toBeAsked } from '../protocol/reach.ts';
import { isPublicAddress } from './public-address.ts';

const longestChain = 5;

/** Resolves every name, of redirects too, once all of it was approved and before anything is read. */
export const requirePublic: RequirePublic = async ({ urls }, { allowPrivate, signal }) => {
  if (allowPrivate) return;
  const asked = toBeAsked(urls).filter(({ url }) => url !== '');
  for (const { url } of asked) await requirePublicHost(new URL(url));
  for (const { url, purpose } of asked)
    if (purpose !== 'network') await requirePublicRedirects(new URL(url), signal);
};

/** @throws CprError `not-approved` unless each of the host's addresses is of the internet */
export async function requirePublicHost(url: URL): Promise<void> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const found = isIP(host)
    ? [{ address: host }]
    : await lookup(host, { all: true }).catch(() => []);
  const local = found.find(({ address }) => !isPublicAddress(address));
  if (found.length > 0 && !local) return;
  const why = local ? `is ${local.address}, which is not on the internet` : 'has no address';
  throw new CprError(
    'not-approved',
    `This state names ${url.href}, whose host ${why}. Give "allowPrivate" if it may reach that.`,
  );
}

async function requirePublicRedirects(from: URL, signal: AbortSignal | undefined): Promise<void> {
  let url = from;
  for (let hop = 0; hop < longestChain; hop++) {
    const options = { method: 'HEAD', redirect: 'manual', ...(signal && { signal }) } as const;
    const response = await fetch(url, options).catch(() => undefined);
    const location = response?.headers.get('location');
    if (!response || response.status < 300 || response.status > 399 || !location) return;
    url = new URL(location, url);
    await requirePublicHost(url);
  }
  throw new CprError('not-approved', `${from.href} leads on and on.`);
}
