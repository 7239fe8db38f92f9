/**
 * Hosts in the states of strangers. A name may resolve to a public address for the check, and to a
 * private one for the connection. So addresses are checked again at each connection. That happens in the
 * threads of machines and of state files, which share the list of hosts.
 */
import { createHash } from 'node:crypto';
import dns, { type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isMainThread, workerData } from 'node:worker_threads';
import { isPublicAddress } from './public-address.ts';

const slots = 4096;
const fromOwner = isMainThread
  ? undefined
  : (workerData as { guardedHosts?: SharedArrayBuffer } | null)?.guardedHosts;

/** For the `workerData` of a thread. */
export const guardedHosts = fromOwner ?? new SharedArrayBuffer(8 * slots);
/** Digests of the hosts. The first slot has their number. */
const table = new BigUint64Array(guardedHosts);

/** From now on, no thread of a machine connects to a private address of this host. */
export function guardHost(host: string): void {
  if (isGuarded(host)) return;
  const at = Number(Atomics.add(table, 0, 1n)) + 1;
  if (at < slots) Atomics.store(table, at, keyOf(host));
}

export function isGuarded(host: string): boolean {
  const count = Number(Atomics.load(table, 0));
  // The table is full: any host may be guarded.
  if (count >= slots - 1) return true;
  return table.subarray(1, count + 1).includes(keyOf(host));
}

const keyOf = (host: string): bigint =>
  createHash('sha256').update(host.toLowerCase()).digest().readBigUInt64LE();

/** Host of a URL, without the brackets of an IPv6 address. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

export const refused = () => new TypeError('The address is of this computer or its own network.');

/** `dns.lookup` that fails if any address of the name is private. */
export const publicLookup: LookupFunction = (hostname, options, callback) =>
  lookUpPublic(dns.lookup, hostname, options, callback);

function lookUpPublic(
  lookup: typeof dns.lookup,
  ...[hostname, options, callback]: Parameters<LookupFunction>
): void {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, []);
    if (!addresses.every(({ address }) => isPublicAddress(address))) return callback(refused(), []);
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    callback(null, first?.address ?? '', first?.family);
  });
}

/**
 * Replaces the lookup of all connections by name in this thread, WebSockets too.
 * @returns a function that restores it
 */
export function guardLookups(): () => void {
  const { lookup } = dns;
  const guarded = (hostname: string, ...rest: unknown[]) => {
    if (!isGuarded(hostname)) return Reflect.apply(lookup, dns, [hostname, ...rest]);
    const callback = rest.at(-1) as Parameters<LookupFunction>[2];
    const given = rest.length > 1 ? rest[0] : {};
    const options = typeof given === 'number' ? { family: given } : given;
    lookUpPublic(lookup, hostname, options as Parameters<LookupFunction>[1], callback);
  };
  Object.assign(dns, { lookup: Object.assign(guarded, lookup) });
  return () => {
    Object.assign(dns, { lookup });
  };
}

const mostRedirects = 10;
const redirects = [301, 302, 303, 307, 308];

/** `fetch` to guarded hosts only. It guards the hosts of redirects. Lookups must be guarded. */
export async function fetchGuarded(
  fetch: typeof globalThis.fetch,
  from: URL,
  init: RequestInit = {},
): Promise<Response> {
  let url = from;
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const host = hostOf(url);
    if (isIP(host) && !isPublicAddress(host)) throw refused();
    guardHost(host);
    const response = await fetch(url, { ...init, redirect: 'manual' });
    const location = response.headers.get('location');
    if (!redirects.includes(response.status) || !location) return response;
    await response.body?.cancel();
    url = new URL(location, url);
    if (!/^https?:$/.test(url.protocol)) throw new TypeError(`${url.protocol} is not fetched.`);
  }
  throw new TypeError('The server redirects without an end.');
}
