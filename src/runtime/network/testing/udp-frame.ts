/** A frame of the guest 192.168.86.100, port 40000, to a port of its router 192.168.86.1, by UDP. */
export function udpFrame(payload: Uint8Array, port: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(42 + payload.length);
  const view = new DataView(frame.buffer);
  frame.set([0x52, 0x54, 0, 1, 2, 3, 0, 0x22, 0x15, 1, 2, 3, 8, 0, 0x45]);
  view.setUint16(16, 28 + payload.length);
  view.setUint8(23, 17);
  frame.set([192, 168, 86, 100, 192, 168, 86, 1], 26);
  view.setUint16(34, 40_000);
  view.setUint16(36, port);
  view.setUint16(38, 8 + payload.length);
  frame.set(payload, 42);
  return frame;
}
