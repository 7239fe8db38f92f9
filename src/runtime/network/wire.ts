/**
 * The guest's network cable: the active runtime's network device on one end, the backend on the
 * other. The keeper keeps it with its backend. So a connection of the guest that ends there is not
 * affected by a live update.
 *
 * A runtime may find a wire that a runtime of another build created, with a backend of another v86.
 * So {@link Wire} only ever grows by optional members.
 */
import type { NetworkCounters } from '../../protocol/network.ts';
import { tcpProbe } from './tcp-probe.ts';
import type { WireConnection } from './wire-connection.ts';

export interface Wire {
  /** Sends a frame of the guest. Takes over `frame`. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** From now on, frames go to `nic`; waiting ones at its next call of {@link drain}. */
  plug(nic: WireEnd): void;
  /** From now on, frames wait, and each one calls `arrived`. */
  unplug(arrived: () => void): void;
  /** Delivers waiting frames. @returns true if the guest got any. */
  drain(): boolean;
  connections(): WireConnection[];
  /** See {@link Backend.open}. */
  open?(port: number, channel: MessagePort): boolean;
  /** See {@link Backend.forget}. */
  forget?(isGone: (connection: WireConnection) => boolean): void;
  /** Puts a frame for the guest on the wire, as if the backend had sent it. */
  inject(frame: Uint8Array): void;
  /** Asks the guest about connections whose far ends are gone, so that they end: see {@link tcpProbe}. */
  probe?(connections: readonly WireConnection[]): void;
  readonly waiting: number;
  readonly counters: Readonly<NetworkCounters>;
  /** Called by the keeper at the end of the machine: see `RuntimeHost.kept`. */
  machineEnded(): void;
}

export interface WireEnd {
  /** MAC address, `00:22:15:aa:bb:cc`. */
  readonly mac: string;
  /** @returns false if there is no room now: the frame is offered again later. */
  receive(frame: Uint8Array): boolean;
}

/** The far end of the wire. */
export interface Backend {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** Sets the address of the guest's device, whenever it becomes known or changes. */
  setMac(mac: string): void;
  connections(): WireConnection[];
  /**
   * Opens a connection to a port of the guest. Its other end is at the other end of `channel`.
   * Absent if no connection ends in the backend.
   */
  open?(port: number, channel: MessagePort): void;
  /** Drops connections that the guest does not have. Absent if none ends in the backend. */
  forget?(isGone: (connection: WireConnection) => boolean): void;
  close(): void;
}

/**
 * Limits of frames for a stopped or slow guest; beyond them frames are dropped, as on any network.
 */
const waitingLimit = { frames: 1024, bytes: 2 * 1024 * 1024 };

/**
 * A jumbo frame with its header. No driver sends longer ones; they are dropped in both directions.
 */
export const frameLimit = 9216;

/** Runtimes of other builds use the result, so it is a plain object with the members of {@link Wire}. */
export function makeWire(connect: (receive: (frame: Uint8Array) => void) => Backend): Wire {
  const cable = new Cable();
  const backend = connect((frame) => cable.receive(frame));
  return {
    counters: cable.counters,
    get waiting() {
      return cable.waiting;
    },
    send: (frame) => cable.send(frame, backend),
    plug(end) {
      cable.plug(end);
      backend.setMac(end.mac);
    },
    unplug: (arrived) => cable.unplug(arrived),
    drain: () => cable.drain(),
    connections: () => backend.connections(),
    open(port, channel) {
      backend.open?.(port, channel);
      return backend.open !== undefined;
    },
    forget: (isGone) => backend.forget?.(isGone),
    inject: (frame) => cable.receive(frame),
    probe: (connections) => cable.probe(connections),
    machineEnded() {
      cable.end();
      backend.close();
    },
  };
}

/** Frames between the guest's device and a backend, with those that wait for the device. */
class Cable {
  readonly counters = { framesOut: 0, bytesOut: 0, framesIn: 0, bytesIn: 0, dropped: 0 };
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #nic: WireEnd | undefined;
  #arrived: (() => void) | undefined;
  /** Address of the guest's device, also while that is not plugged. */
  #mac: string | undefined;

  get waiting(): number {
    return this.#waiting.length;
  }

  plug(nic: WireEnd): void {
    this.#nic = nic;
    this.#mac = nic.mac;
    this.#arrived = undefined;
  }

  /** @param arrived called for each frame that then waits */
  unplug(arrived: () => void): void {
    this.#nic = undefined;
    this.#arrived = arrived;
  }

  end(): void {
    this.#nic = undefined;
  }

  send(frame: Uint8Array<ArrayBuffer>, backend: Backend): void {
    this.counters.framesOut++;
    this.counters.bytesOut += frame.length;
    if (frame.length > frameLimit) {
      this.counters.dropped++;
      return;
    }
    try {
      backend.send(frame);
    } catch {
      // v86 throws if a header claims more than the frame holds: no such frame has a receiver.
      this.counters.dropped++;
    }
  }

  probe(connections: readonly WireConnection[]): void {
    for (const connection of connections)
      if (this.#mac !== undefined) this.receive(tcpProbe(connection, this.#mac));
  }

  receive(frame: Uint8Array): void {
    if (frame.length > frameLimit) {
      this.counters.dropped++;
      return;
    }
    if (this.#waiting.length === 0 && this.#deliver(frame)) return;
    if (this.#hasRoom(frame)) {
      // A copy of its own bytes: a small view may hold a large buffer.
      this.#waiting.push(frame.length < frame.buffer.byteLength ? frame.slice() : frame);
      this.#waitingBytes += frame.length;
    } else this.counters.dropped++;
    if (!this.#nic) this.#arrived?.();
  }

  drain(): boolean {
    let delivered = false;
    for (let [frame] = this.#waiting; frame && this.#deliver(frame); [frame] = this.#waiting) {
      this.#waiting.shift();
      this.#waitingBytes -= frame.length;
      delivered = true;
    }
    return delivered;
  }

  #hasRoom(frame: Uint8Array): boolean {
    const { frames, bytes } = waitingLimit;
    return this.#waiting.length < frames && this.#waitingBytes + frame.length <= bytes;
  }

  #deliver(frame: Uint8Array): boolean {
    if (!this.#nic?.receive(frame)) return false;
    this.counters.framesIn++;
    this.counters.bytesIn += frame.length;
    return true;
  }
}
