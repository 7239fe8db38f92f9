/**
 * Receive windows (RFC 9293, 3.8.6) of connections into the guest: the limit of unread data that it
 * may send. v86 announces a constant, or the guest's own window. So the window is overwritten in
 * the frames to the guest.
 */
import { acknowledgement } from './tcp-probe.ts';
import type { WireConnection } from './wire-connection.ts';

/** Largest size of unread data, bytes, in addition to at most {@link fullWindow} in transit. */
const unreadLimit = 256 * 1024;
/** The window that v86 announces. */
const fullWindow = 64_240;
/** A window below a segment counts as closed: small ones cost a frame each. */
const segmentBytes = 1460;
const offsets = { etherType: 12, ip: 14, protocol: 9, source: 12, target: 16 } as const;

/** The receive window of one connection. */
export interface ReadWindow {
  /**
   * The guest has sent so many bytes.
   * @returns false if it keeps sending and ignores its window
   */
  add(bytes: number): boolean;
  /** The reader has read so many bytes. A reader that never calls this is sent everything. */
  take(bytes: number): void;
  close(): void;
}

interface WindowedConnection extends WireConnection {
  /** Next byte that is expected from the guest. */
  acknowledged: number;
}

interface Window {
  unread: number;
  isPaced: boolean;
  isClosed: boolean;
}

export class ReadWindows {
  readonly #windows = new Map<string, Window>();
  readonly #receive: (frame: Uint8Array) => void;

  /** @param receive takes frames for the guest */
  constructor(receive: (frame: Uint8Array) => void) {
    this.#receive = receive;
  }

  /**
   * @param now returns the present position of the connection in its streams
   * @param mac of the guest
   */
  open(now: () => WindowedConnection, mac: () => string): ReadWindow {
    const window: Window = { unread: 0, isPaced: false, isClosed: false };
    const { guest, remote } = now();
    const key = `${remote}>${guest}`;
    this.#windows.set(key, window);
    return {
      add(bytes) {
        window.unread += bytes;
        return !window.isPaced || window.unread <= unreadLimit + 2 * fullWindow;
      },
      take: (bytes) => {
        window.isPaced = true;
        window.unread = Math.max(0, window.unread - bytes);
        const free = roomOf(window);
        if (!window.isClosed || free < fullWindow / 2) return;
        // The guest would probe the window itself, less and less often.
        window.isClosed = false;
        const { acknowledged, ...connection } = now();
        this.#receive(acknowledgement(connection, mac(), { acknowledged, window: free }));
      },
      close: () => this.#windows.delete(key),
    };
  }

  /** Writes the window into a frame to the guest. */
  apply(frame: Uint8Array): void {
    if (this.#windows.size === 0) return;
    const segment = tcpSegment(frame);
    const window = segment && this.#windows.get(segment.key);
    if (!segment || !window?.isPaced) return;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const { at } = segment;
    const before = view.getUint16(at + 14);
    const room = Math.min(before, roomOf(window));
    window.isClosed = room === 0;
    view.setUint16(at + 14, room);
    view.setUint16(at + 16, renewedChecksum(view.getUint16(at + 16), before, room));
  }
}

function roomOf({ unread }: Window): number {
  const room = Math.min(fullWindow, unreadLimit - unread);
  return room < segmentBytes ? 0 : room;
}

/** Returns the start of a frame's TCP segment, and its source and target. */
function tcpSegment(frame: Uint8Array): { key: string; at: number } | undefined {
  const { ip } = offsets;
  if (frame.length < ip + 40 || frame[offsets.etherType] !== 0x08) return undefined;
  if (frame[offsets.etherType + 1] !== 0 || frame[ip + offsets.protocol] !== 6) return undefined;
  const at = ip + ((frame[ip] ?? 0) & 15) * 4;
  if (frame.length < at + 20) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const end = (address: number, port: number) =>
    `${frame.subarray(ip + address, ip + address + 4).join('.')}:${view.getUint16(port)}`;
  return { key: `${end(offsets.source, at)}>${end(offsets.target, at + 2)}`, at };
}

/** Returns the checksum after one 16-bit field has changed (RFC 1624). */
function renewedChecksum(checksum: number, before: number, after: number): number {
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + after;
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
