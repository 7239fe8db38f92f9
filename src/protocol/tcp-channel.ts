/**
 * What goes over the port of a TCP connection to the guest, between whoever opened it and the runtime
 * code that holds its far end. Additive only: both ends may be of another build.
 */

/** To the guest. */
export type TcpRequest =
  | { type: 'data'; bytes: Uint8Array }
  /** So many more bytes of the guest's `data` were read. Whoever never says so is sent everything. */
  | { type: 'taken'; bytes: number }
  /** No more data will come (FIN). */
  | { type: 'end' }
  /** Nobody listens any more. */
  | { type: 'abort' };

/** From the guest. */
export type TcpEvent =
  | { type: 'connected' }
  | { type: 'data'; bytes: Uint8Array }
  /** There is room for more: one for each `data` that was sent. */
  | { type: 'taken' }
  /** The guest sends no more (FIN). */
  | { type: 'end' }
  /** It is over: closed at both ends, refused, or reset. The last one. */
  | { type: 'closed'; reset: boolean };
