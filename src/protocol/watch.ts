/**
 * How a page watches a machine that runs in a worker which it has no port to: over channels of the
 * origin. What is watched cannot be touched. Additive only: workers and pages of any age meet here.
 */
import type { TakenEvents } from './event-bytes.ts';
import type { MachineEvent } from './events.ts';

/** Where whoever runs a machine hears of those who want it. */
export const machinesChannel = 'holdfast-machines';

export type MachinesMessage =
  /** To who runs it: save it and let go of it. */
  | { type: 'give-up'; machineId: string }
  /**
   * To who runs it: send its events to the channel of this name, as long as somebody holds the Web
   * Lock of the same name.
   */
  | { type: 'watch'; machineId: string; channel: string }
  /** From who runs it: it is there from now on. */
  | { type: 'there'; machineId: string };

/** Messages to a watcher on its channel: first `watching`, then the events of every new page. */
export type WatchMessage = { type: 'watching'; keeperLock?: string } | MachineEvent;

/** Messages from a watcher on its channel. */
export type WatcherMessage =
  | { type: 'leave' }
  | { type: 'visible'; visible: boolean }
  /** From now on it is sent no more than it has room for. */
  | { type: 'took'; taken: TakenEvents };
