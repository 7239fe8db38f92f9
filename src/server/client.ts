import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** A network of clients, and its multiple of one address's limits. */
interface ClientNetwork {
  key: string;
  shares: 1 | 4;
}

/** One network for IPv4; for IPv6 the /64 of a household and the /48 of a site. */
export type Client = readonly ClientNetwork[];

/** Determines the client of a request, through trusted proxies. */
export class Clients {
  readonly #trustedHops: number;
  #hasWarned = false;

  /**
   * @param trustedHops number of proxies before the server, each of which adds to `X-Forwarded-For`
   */
  constructor(trustedHops: number) {
    this.#trustedHops = trustedHops;
  }

  of(request: IncomingMessage): Client {
    const forwarded = request.headers['x-forwarded-for'];
    if (forwarded === undefined) return networksOf(socketAddress(request));
    if (this.#trustedHops === 0) {
      this.#warn();
      return networksOf(socketAddress(request));
    }
    const entries = String(forwarded).split(',');
    // Entries further to the left come from the client itself.
    const entry = entries.at(-this.#trustedHops) ?? entries[0] ?? '';
    const address = withoutPort(entry.trim());
    return networksOf(ipaddr.isValid(address) ? address : socketAddress(request));
  }

  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    console.warn(
      'State server: a request came through a proxy (X-Forwarded-For), but "behind-proxy" is 0: ' +
        'all clients count as one. Set it to the number of proxies, or remove that header.',
    );
  }
}

const socketAddress = (request: IncomingMessage) => request.socket.remoteAddress ?? '';

const withoutPort = (entry: string) =>
  /^\[(.+)\](:\d+)?$/.exec(entry)?.[1] ?? entry.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1');

/** @param address of a socket or of a proxy's header */
export function networksOf(address: string): Client {
  // A socket that has closed has no address any more.
  if (!ipaddr.isValid(address)) return [{ key: 'unknown', shares: 1 }];
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return [{ key: parsed.toString(), shares: 1 }];
  // Expanded: a compressed form has fewer parts than its network.
  const parts = (parsed as ipaddr.IPv6).parts.map((part) => part.toString(16));
  return [
    { key: `${parts.slice(0, 4).join(':')}::/64`, shares: 1 },
    { key: `${parts.slice(0, 3).join(':')}::/48`, shares: 4 },
  ];
}
