/**
 * Messages of a page that watches a machine in a worker to which it has no port. They use channels of
 * the origin. A watcher cannot control the machine. Additive only: workers and pages of any age
 * meet here.
 */
import type { TakenEvents } from './event-bytes.ts';
import type { MachineEvent } from './events.ts';

/** Channel on which the keeper of a machine receives requests for it. */
export const machinesChannel = 'holdfast-machines';

export type MachinesMessage =
  /** To the machine's keeper: save the machine and release it. */
  | { type: 'give-up'; machineId: string }
  /**
   * To the machine's keeper: send its events to the channel of this name while the Web Lock of the
   * same name is held.
   */
  | { type: 'watch'; machineId: string; channel: string }
  /** From the machine's keeper: the machine runs there from now on. */
  | { type: 'there'; machineId: string };

/** Messages to a watcher on its channel: first `watching`, then the events of every new page. */
export type WatchMessage = { type: 'watching'; keeperLock?: string } | MachineEvent;

/** Messages from a watcher on its channel. */
export type WatcherMessage =
  | { type: 'leave' }
  | { type: 'visible'; visible: boolean }
  /** From now on it receives no more than it has room for. */
  | { type: 'took'; taken: TakenEvents };
