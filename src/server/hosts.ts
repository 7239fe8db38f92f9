import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { HttpError } from './http.ts';

/**
 * Refuses requests by a name that is not the server's. A page of another site can have its own name
 * resolve to this computer (DNS rebinding); to the browser it is then of the server's origin. An
 * address is no name, so that nobody else can have it resolve to anything.
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
