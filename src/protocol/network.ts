/** Questions about a machine's network. Additive only. */
import type { NetworkBackend } from './config.ts';

/** A TCP connection of the guest that ends in the keeper. */
export interface GuestConnection {
  /** `ADDRESS:PORT`, IPv4. */
  guest: string;
  remote: string;
}

/** Counters from the guest's point of view. */
export interface NetworkCounters {
  framesOut: number;
  bytesOut: number;
  framesIn: number;
  bytesIn: number;
  /** Frames for the guest that were dropped because it did not take the ones before them. */
  dropped: number;
}

export interface NetworkInfo extends NetworkCounters {
  device: 'none' | 'ne2k' | 'virtio';
  /** Absent without a device. */
  mac?: string;
  backend: NetworkBackend;
  connections: GuestConnection[];
  /** Frames that wait for the guest to run or to have room for them. */
  waiting: number;
}
