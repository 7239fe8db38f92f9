/** A duplex way to another host. It carries frames whole and in order. */

/** [MH1] Most bytes of a frame: what every browser's data channel carries as one message. */
export const frameBytes = 65_536;

export interface TransportListener {
  received(frame: Uint8Array<ArrayBuffer>): void;
  /** There may be room for more frames. */
  room(): void;
  /** Called at most once. @param why completes a message to the user */
  gone(why: string): void;
}

export interface Transport {
  /** It is open, and few frames wait to be sent. */
  readonly hasRoom: boolean;
  /** Nothing waits to be sent. */
  readonly isFlushed: boolean;
  /** Takes over the bytes. Only with {@link hasRoom}. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** Begins to deliver. Call it before the next task: nothing is kept until then. */
  open(listener: TransportListener): void;
  /** Ends it; the listener is not called any more. */
  close(): void;
}
