import type { WebSocket } from 'ws';
import { type RoomEnd, type RoomLimits, roomEnd } from './room-limits.ts';
import { RoomPeer } from './room-peer.ts';

/** Proxies close a connection without traffic after a minute. */
const pingMs = 25_000;

/**
 * Two devices whose messages the server passes on. It stores none, and cannot read them. The room ends
 * with the first device that leaves.
 */
export class Room {
  readonly #limits: RoomLimits;
  readonly #ended: () => void;
  readonly #opener: RoomPeer;
  #joiner: RoomPeer | undefined;
  #carriedBytes = 0;
  readonly #pings: NodeJS.Timeout;
  /** Ends the wait for the second device, and then the room. */
  #life: NodeJS.Timeout;
  #idle: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param ended called once */
  constructor(id: string, socket: WebSocket, limits: RoomLimits, ended: () => void) {
    this.#limits = limits;
    this.#ended = ended;
    this.#opener = this.#peerOf(socket);
    this.#pings = setInterval(() => {
      this.#opener.ping();
      this.#joiner?.ping();
    }, pingMs).unref();
    this.#life = this.#endAfter(limits.roomWaitMs, 'The link was not opened in time.');
    this.#opener.tell({ room: id });
  }

  get isFull(): boolean {
    return this.#joiner !== undefined;
  }

  join(socket: WebSocket): void {
    const { roomLifeMs, roomIdleMs } = this.#limits;
    this.#joiner = this.#peerOf(socket);
    clearTimeout(this.#life);
    this.#life = this.#endAfter(roomLifeMs, 'The room was open for as long as it may.');
    this.#idle = this.#endAfter(roomIdleMs, 'Nothing has moved for too long.');
    for (const peer of [this.#opener, this.#joiner]) peer.tell({ joined: true });
  }

  end(code: RoomEnd, why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#pings);
    clearTimeout(this.#life);
    clearTimeout(this.#idle);
    this.#opener.end(code, why);
    this.#joiner?.end(code, why);
    this.#ended();
  }

  #peerOf(socket: WebSocket): RoomPeer {
    const peer = new RoomPeer(socket, {
      message: (bytes) => this.#pass(peer, bytes),
      delivered: () => this.#idle?.refresh(),
      left: () => this.end(roomEnd.left, 'The other device has left.'),
    });
    return peer;
  }

  #pass(from: RoomPeer, bytes: Buffer): void {
    if (this.#isOver) return;
    const to = from === this.#opener ? this.#joiner : this.#opener;
    this.#carriedBytes += bytes.length;
    if (!to) this.end(roomEnd.badMessage, 'The other device is not there yet.');
    else if (this.#carriedBytes > this.#limits.maxRoomBytes)
      this.end(roomEnd.tooMuch, 'The room has carried as many bytes as it may.');
    else to.send(bytes, from);
  }

  #endAfter(ms: number, why: string): NodeJS.Timeout {
    return setTimeout(() => this.end(roomEnd.expired, why), ms).unref();
  }
}
