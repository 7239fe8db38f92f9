/**
 * A program in Node runs inside a network, and no CORS protects its servers from a guest. So a foreign
 * state reaches only the internet.
 */
import dns from 'node:dns';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import type { RequirePublic } from '../../client/state-files.ts';
import { HoldfastError } from '../../errors.ts';
import { toBeAsked } from '../../protocol/reach.ts';
import { ask } from './guarded-fetch.ts';
import { guardHost, hostOf } from './guarded-hosts.ts';
import { isPublicAddress } from './public-address.ts';

const longestChain = 5;

/**
 * Resolves every name, of redirects too, after the approval and before anything is read. The connections
 * check later addresses: see guarded-hosts.ts.
 */
export const requirePublic: RequirePublic = async ({ urls }, { allowPrivate, signal }) => {
  if (allowPrivate) return;
  const asked = toBeAsked(urls).filter(({ url }) => url !== '');
  for (const { url } of asked) await requirePublicHost(new URL(url));
  for (const { url, purpose } of asked)
    if (purpose !== 'network') await requirePublicRedirects(new URL(url), signal);
};

/** @throws HoldfastError `not-approved` unless each of the host's addresses is public */
export async function requirePublicHost(url: URL): Promise<void> {
  const host = hostOf(url);
  guardHost(host);
  const found = isIP(host) ? [{ address: host }] : await addressesOf(host);
  const local = found.find(({ address }) => !isPublicAddress(address));
  if (found.length > 0 && !local) return;
  const why = local ? `is ${local.address}, which is not on the internet` : 'has no address';
  throw new HoldfastError(
    'not-approved',
    `This state names ${url.href}, whose host ${why}. Give "allowPrivate" if it may reach that.`,
  );
}

/** @returns no address for an unknown name */
const addressesOf = (host: string): Promise<{ address: string }[]> =>
  promisify((callback: (error: Error | null, found: dns.LookupAddress[]) => void) =>
    dns.lookup(host, { all: true }, callback),
  )().catch(() => []);

async function requirePublicRedirects(from: URL, signal: AbortSignal | undefined): Promise<void> {
  let url = from;
  for (let hop = 0; hop < longestChain; hop++) {
    // A host that does not answer, or whose name now leads elsewhere, is not connected to later either.
    const response = await ask(url, { method: 'HEAD', signal }).catch(() => undefined);
    response?.destroy();
    const { statusCode = 0, headers: { location } = {} } = response ?? {};
    if (statusCode < 300 || statusCode > 399 || !location) return;
    url = new URL(location, url);
    await requirePublicHost(url);
  }
  throw new HoldfastError('not-approved', `${from.href} leads on and on.`);
}
