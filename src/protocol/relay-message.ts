/** Messages of two keepers about TCP connections whose far ends stay with the guest's former keeper. */
import type { GuestConnection } from './network.ts';

export interface RelayedConnection extends GuestConnection {
  sequence: number;
}

/** Keepers of different builds meet here, so messages only grow by optional members. */
export interface RelayMessage {
  /** An Ethernet frame. */
  frame?: Uint8Array<ArrayBuffer>;
  /** From the former keeper: the connections that are open. */
  connections?: RelayedConnection[];
  /** Between hosts: the keeper has taken a message. */
  took?: true;
  /** Between hosts: nothing more is relayed. */
  closed?: true;
}
