import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { HttpError } from './http.ts';

/**
 * Refuses requests for other host names. A page of another site can make its own name resolve to
 * this computer (DNS rebinding). For the browser, the page is then on the server's origin.
 * Addresses are safe, because they are not resolved.
 * @throws HttpError 421
 */
export function requireHost(hosts: readonly string[], request: IncomingMessage): void {
  const { host = '' } = request.headers;
  const name = /^(?:\[([\da-f:.]+)\]|([^:]*))(?::\d*)?$/i.exec(host);
  const plain = (name?.[1] ?? name?.[2] ?? '').toLowerCase();
  if (isIP(plain) > 0 || plain === 'localhost' || plain.endsWith('.localhost')) return;
  if (plain !== '' && (hosts.includes(plain) || hosts.includes('*'))) return;
  throw new HttpError(
    421,
    'wrong-host',
    'The state server does not answer to this name. Its setting "hosts" lists those it has.',
  );
}
