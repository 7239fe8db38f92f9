/**
 * Messages on the port of a TCP connection to the guest, between its opener and the runtime.
 * Additive only: the ends may be of different builds.
 */

/** To the guest. */
export type TcpRequest =
  | { type: 'data'; bytes: Uint8Array }
  /**
   * The number of bytes of the guest's `data` that were read. A client that never sends this gets
   * everything.
   */
  | { type: 'taken'; bytes: number }
  /** No more data will come (FIN). */
  | { type: 'end' }
  /** The connection is abandoned. */
  | { type: 'abort' };

/** From the guest. */
export type TcpEvent =
  | { type: 'connected' }
  | { type: 'data'; bytes: Uint8Array }
  /** Room for more: one message for each `data` that was sent. */
  | { type: 'taken' }
  /** The guest sends no more (FIN). */
  | { type: 'end' }
  /** The connection is over: closed at both ends, refused, or reset. This is the last message. */
  | { type: 'closed'; reset: boolean };
