import type { GuestConnection } from '../../protocol/network.ts';

export interface WireConnection extends GuestConnection {
  /** TCP sequence number of the next byte to the guest that it has not acknowledged. */
  sequence: number;
}
