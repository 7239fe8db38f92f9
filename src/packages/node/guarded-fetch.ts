/**
 * Guests' requests from this computer. In a browser the same-origin policy protects the intranet from a
 * guest. Node has no such policy. So each address is checked at its connection, after each redirect too,
 * and private ones are refused. A name can lead to any address.
 */
import dns from 'node:dns';
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { hostOf, publicLookup, refused } from './guarded-hosts.ts';
import { isPublicAddress } from './public-address.ts';

/** The symbol by which src/runtime/network/guest-fetch.ts marks requests. */
const ofGuest = Symbol.for('holdfast.guest-request');
const mostRedirects = 10;
const redirects = [301, 302, 303, 307, 308];

interface GuestNetwork {
  privateAddresses?: boolean;
}

/** The network's configuration, for the options of a guest's request. */
export function guestNetworkOf(init: RequestInit | undefined): GuestNetwork | undefined {
  return (init as { [ofGuest]?: GuestNetwork } | undefined)?.[ofGuest];
}

/** `fetch` without cookies and cache, which Node lacks. */
export async function fetchForGuest(
  url: string,
  init: RequestInit,
  { privateAddresses = false }: GuestNetwork,
): Promise<Response> {
  let [at, method] = [new URL(url), init.method ?? 'GET'];
  let body = init.body ? Buffer.from(await new Response(init.body).arrayBuffer()) : undefined;
  const headers = Object.fromEntries(new Headers(init.headers));
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const message = await ask(at, { method, headers, body, signal: init.signal, privateAddresses });
    const { statusCode: status = 0, headers: answered } = message;
    const location = answered.location;
    if (!redirects.includes(status) || location === undefined)
      return responseOf(message, at, hops > 0);
    message.destroy();
    const next = new URL(location, at);
    if (next.origin !== at.origin) delete headers.authorization;
    if (status === 303 || (status < 303 && method === 'POST')) [method, body] = ['GET', undefined];
    at = next;
  }
  throw new TypeError('The server redirects without an end.');
}

interface Asked {
  method: string;
  headers?: Record<string, string>;
  body?: Buffer | undefined;
  signal?: AbortSignal | null | undefined;
  privateAddresses?: boolean;
}

/**
 * One request, without redirects. @throws TypeError for a private address, unless the network allows them
 */
export async function ask(url: URL, asked: Asked): Promise<IncomingMessage> {
  const { method, headers, body, signal, privateAddresses = false } = asked;
  const request = { 'http:': requestHttp, 'https:': requestHttps }[url.protocol];
  if (!request) throw new TypeError(`${url.protocol} is no protocol for guests.`);
  const literal = hostOf(url);
  if (!privateAddresses && isIP(literal) && !isPublicAddress(literal)) throw refused();
  const options: RequestOptions = {
    method,
    headers: { ...headers, 'accept-encoding': 'identity' },
    // A shared connection could lead to an address that is not allowed here.
    agent: false,
    lookup: privateAddresses ? dns.lookup : publicLookup,
    ...(signal && { signal }),
  };
  return new Promise((resolve, reject) => {
    request(url, options, resolve).once('error', reject).end(body);
  });
}

function responseOf(message: IncomingMessage, url: URL, redirected: boolean): Response {
  const { statusCode: status = 502, statusMessage: statusText = '' } = message;
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headersDistinct))
    for (const each of value ?? []) headers.append(name, each);
  const hasBody = ![101, 204, 205, 304].includes(status);
  if (!hasBody) message.resume();
  const body = hasBody ? (Readable.toWeb(message) as ReadableStream<Uint8Array>) : null;
  // A constructed Response cannot have a `url`.
  return { status, statusText, headers, body, url: url.href, redirected } as Response;
}
