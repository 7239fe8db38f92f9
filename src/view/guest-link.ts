import type { Machine } from '../client/types.ts';

/** Connection from a view of a guest to the guest, across reconnects. */
export interface GuestLink {
  /** Sends input to the guest. It is dropped if the guest cannot accept any now. */
  send(call: (machine: Machine) => Promise<void>): void;
  /**
   * Called with every machine that the page connects to, before the page reads the guest's state.
   */
  onMachine(listener: (machine: Machine) => void): void;
}
