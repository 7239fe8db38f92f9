/**
 * Builds a TCP segment that tests whether the guest still has a connection: an acknowledgement with
 * an old sequence number, like a keep-alive (RFC 9293, 3.8.4). The guest answers with its position
 * in the stream. A backend without the connection answers that with a reset, which the guest
 * accepts. So a connection whose other end is gone ends at once. Otherwise it would hang for ever
 * in a guest that only reads.
 */
import type { WireConnection } from './wire-connection.ts';

/** Address of the router in v86's user-mode network. */
const routerMac = '52:54:00:01:02:03';
const offsets = { ip: 14, tcp: 34, end: 54 } as const;

const macBytes = (mac: string) => mac.split(':').map((byte) => Number.parseInt(byte, 16));

function endpoint(text: string): { address: number[]; port: number } {
  const [address = '', port] = text.split(':');
  return { address: address.split('.').map(Number), port: Number(port) };
}

/** Returns the Internet checksum (RFC 1071), added to `sum`. */
function checksum(bytes: Uint8Array, sum = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += 2) sum += view.getUint16(at);
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** @param mac the guest's, `00:22:15:aa:bb:cc` */
export const tcpProbe = (connection: WireConnection, mac: string): Uint8Array =>
  acknowledgement({ ...connection, sequence: connection.sequence - 1 }, mac);

/**
 * Returns an empty segment of the remote end, with its ACK flag.
 * @param acknowledged next byte that is expected from the guest
 * @param window bytes that it may send beyond that
 */
export function acknowledgement(
  connection: WireConnection,
  mac: string,
  { acknowledged = 0, window = 0 } = {},
): Uint8Array<ArrayBuffer> {
  const from = endpoint(connection.remote);
  const to = endpoint(connection.guest);
  const frame = new Uint8Array(offsets.end);
  const view = new DataView(frame.buffer);
  frame.set(macBytes(mac), 0);
  frame.set(macBytes(routerMac), 6);
  view.setUint16(12, 0x0800);

  const ip = offsets.ip;
  view.setUint8(ip, 0x45);
  view.setUint16(ip + 2, offsets.end - ip);
  view.setUint8(ip + 8, 64);
  view.setUint8(ip + 9, 6);
  frame.set(from.address, ip + 12);
  frame.set(to.address, ip + 16);
  view.setUint16(ip + 10, checksum(frame.subarray(ip, offsets.tcp)));

  const tcp = offsets.tcp;
  view.setUint16(tcp, from.port);
  view.setUint16(tcp + 2, to.port);
  view.setUint32(tcp + 4, connection.sequence >>> 0);
  view.setUint32(tcp + 8, acknowledged >>> 0);
  view.setUint8(tcp + 12, 5 << 4);
  view.setUint8(tcp + 13, 0x10);
  view.setUint16(tcp + 14, window);
  // The checksum of the pseudo header: the addresses, the protocol and the length.
  const pseudo = ~checksum(frame.subarray(ip + 12, offsets.tcp), 6 + offsets.end - tcp) & 0xffff;
  view.setUint16(tcp + 16, checksum(frame.subarray(tcp), pseudo));
  return frame;
}
