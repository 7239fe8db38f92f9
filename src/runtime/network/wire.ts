/**
 * The guest's network cable: the network device of whichever runtime runs the guest on one end, the
 * backend on the other. It is kept by the keeper, backend included, so a connection of the guest
 * that ends there does not notice a live update.
 *
 * A runtime may find a wire here that a runtime of any other build made, with a backend out of
 * another v86: {@link Wire} only ever grows, by optional members.
 */
import type { GuestConnection, NetworkCounters } from '../../protocol/network.ts';

export interface Wire {
  /** A frame of the guest. Takes `frame` over. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** From now on, frames go to `nic`; those that waited when it next calls {@link drain}. */
  plug(nic: WireEnd): void;
  /** From now on, frames wait, and `arrived` hears of each. */
  unplug(arrived: () => void): void;
  /** Delivers frames that waited. @returns whether the guest got any. */
  drain(): boolean;
  connections(): WireConnection[];
  /** See {@link Backend.open}. */
  open?(port: number, channel: MessagePort): boolean;
  /** See {@link Backend.forget}. */
  forget?(isGone: (connection: WireConnection) => boolean): void;
  /** Puts a frame to the guest on the wire, as if the backend had sent it. */
  inject(frame: Uint8Array): void;
  readonly waiting: number;
  readonly counters: Readonly<NetworkCounters>;
  /** The keeper calls this at the end of the machine: see `RuntimeHost.kept`. */
  machineEnded(): void;
}

export interface WireEnd {
  /** MAC address, `00:22:15:aa:bb:cc`. */
  readonly mac: string;
  /** @returns false when there is no room now: the frame is then offered again. */
  receive(frame: Uint8Array): boolean;
}

export interface WireConnection extends GuestConnection {
  /** TCP sequence number of the next byte to the guest that it has not acknowledged. */
  sequence: number;
}

/** What is at the far end of the wire. */
export interface Backend {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** The address of the guest's device, whenever it becomes known or changes. */
  setMac(mac: string): void;
  connections(): WireConnection[];
  /**
   * Opens a connection to a port of the guest, whose other end is at the other end of `channel`.
   * Absent where no connection ends in the backend.
   */
  open?(port: number, channel: MessagePort): void;
  /** Drops connections that the guest knows nothing of. Absent where none ends in the backend. */
  forget?(isGone: (connection: WireConnection) => boolean): void;
  close(): void;
}

/** Frames for a guest that stands still or is slow; then, as on any network, they are dropped. */
const waitingLimit = { frames: 1024, bytes: 2 * 1024 * 1024 };

/** A jumbo frame with its header. Longer ones come from no driver, and are dropped in both directions. */
export const frameLimit = 9216;

export function makeWire(connect: (receive: (frame: Uint8Array) => void) => Backend): Wire {
  const counters = { framesOut: 0, bytesOut: 0, framesIn: 0, bytesIn: 0, dropped: 0 };
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let nic: WireEnd | undefined;
  let arrived: (() => void) | undefined;

  const deliver = (frame: Uint8Array): boolean => {
    if (!nic?.receive(frame)) return false;
    counters.framesIn++;
    counters.bytesIn += frame.length;
    return true;
  };
  const receive = (frame: Uint8Array): void => {
    if (frame.length > frameLimit) {
      counters.dropped++;
      return;
    }
    if (waiting.length === 0 && deliver(frame)) return;
    const hasRoom =
      waiting.length < waitingLimit.frames && waitingBytes + frame.length <= waitingLimit.bytes;
    if (hasRoom) {
      // Its own bytes: a small view may hold a large buffer.
      waiting.push(frame.length < frame.buffer.byteLength ? frame.slice() : frame);
      waitingBytes += frame.length;
    } else counters.dropped++;
    if (!nic) arrived?.();
  };
  const backend = connect(receive);

  return {
    counters,
    get waiting() {
      return waiting.length;
    },
    send(frame) {
      counters.framesOut++;
      counters.bytesOut += frame.length;
      if (frame.length > frameLimit) {
        counters.dropped++;
        return;
      }
      try {
        backend.send(frame);
      } catch {
        // v86 throws where a header says more than the frame holds: nobody is at such an address.
        counters.dropped++;
      }
    },
    plug(end) {
      nic = end;
      arrived = undefined;
      backend.setMac(end.mac);
    },
    unplug(listener) {
      nic = undefined;
      arrived = listener;
    },
    drain() {
      let delivered = false;
      for (let frame = waiting[0]; frame && deliver(frame); frame = waiting[0]) {
        waiting.shift();
        waitingBytes -= frame.length;
        delivered = true;
      }
      return delivered;
    },
    connections: () => backend.connections(),
    open(port, channel) {
      backend.open?.(port, channel);
      return backend.open !== undefined;
    },
    forget: (isGone) => backend.forget?.(isGone),
    inject: receive,
    machineEnded() {
      nic = undefined;
      backend.close();
    },
  };
}
