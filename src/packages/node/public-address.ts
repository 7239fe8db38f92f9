/** Tells public addresses of the internet from this computer's and its networks'. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * IANA's special-purpose registries: addresses that are not globally reachable, or that stand for an IPv4
 * address. One more is public, but a cloud answers it from within.
 */
const special = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Azure's platform: metadata and secrets of the virtual machine that sends the request.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(network, prefix, 'ipv4');
/** Everything but global unicast, and the ranges of global unicast that hold an IPv4 address. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(network, prefix, 'ipv6');

/** @param address as the system's resolver returns it; a scope may follow `%` */
export function isPublicAddress(address: string): boolean {
  const [plain = ''] = address.split('%');
  if (isIPv4(plain)) return !special.check(plain, 'ipv4');
  return isIPv6(plain) && globalUnicast.check(plain, 'ipv6') && !special.check(plain, 'ipv6');
}
