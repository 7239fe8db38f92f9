/**
 * Splits a TCP segment with data and FIN in two. The user-mode network of v86 drops the data of
 * such a segment. Guests send the end of their data that way.
 */
const offsets = {
  etherType: 12,
  ip: 14,
  ipLength: 2,
  ipProtocol: 9,
  sequence: 4,
  flags: 13,
} as const;
const [ipv4, tcp, fin] = [0x0800, 6, 0x01];

/**
 * @returns the frame itself, or its data and then its end; checksums are neither updated nor
 * checked
 */
export function withoutDataInFin(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const { ip } = offsets;
  if (frame.length < ip + 40 || view.getUint16(offsets.etherType) !== ipv4) return [frame];
  if (view.getUint8(ip + offsets.ipProtocol) !== tcp) return [frame];
  const segment = ip + (view.getUint8(ip) & 15) * 4;
  const end = ip + view.getUint16(ip + offsets.ipLength);
  if (segment + 20 > frame.length || end > frame.length) return [frame];
  const data = segment + (view.getUint8(segment + 12) >> 4) * 4;
  const flags = view.getUint8(segment + offsets.flags);
  if ((flags & fin) === 0 || data >= end) return [frame];

  const first = frame.slice();
  first[segment + offsets.flags] = flags & ~fin;
  const last = frame.slice(0, data);
  const lastView = new DataView(last.buffer);
  lastView.setUint16(ip + offsets.ipLength, data - ip);
  const sequence = view.getUint32(segment + offsets.sequence) + end - data;
  lastView.setUint32(segment + offsets.sequence, sequence >>> 0);
  return [first, last];
}
