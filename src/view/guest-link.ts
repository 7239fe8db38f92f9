import type { Machine } from '../client/types.ts';

/** The way from what is shown of a guest to the guest, across reconnects. */
export interface GuestLink {
  /** Input for the guest. A guest that cannot take any now, takes none. */
  send(call: (machine: Machine) => Promise<void>): void;
  /** Called with every machine that the page connects to, before its guest is looked at. */
  onMachine(listener: (machine: Machine) => void): void;
}
