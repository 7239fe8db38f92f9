/** The parts of a machine that its streams and its agent are built on. */
import type { MachineEvent, MachineStatus } from '../protocol/events.ts';
import type { KeeperInfo } from '../protocol/keeper-api.ts';

export type MachineEventOf<T extends MachineEvent['type']> = Extract<MachineEvent, { type: T }>;

/** The machine's keeper, status, events and consoles. */
export interface MachineCore {
  /** The keeper that answered when this page attached. */
  readonly keeper: KeeperInfo;
  /** False if a reload ends the guest (no surviving shared worker). */
  readonly survivesReload: boolean;
  /** Null until a machine has been started. Follows the `status` events. */
  readonly status: MachineStatus | null;
  /**
   * Events are kept from the attach on until the first listener of their type, so none is missed. Of
   * console output the last MiB is kept. A listener may return a promise. The event then counts as on
   * its way until the promise is settled. The keeper limits how many pictures and how much console
   * output are on their way to a page. A page that is too slow misses pictures, and console output
   * that has left the scrollback of 1 MiB: `offset` then jumps.
   */
  on<T extends MachineEvent['type']>(
    type: T,
    listener: (event: MachineEventOf<T>) => void,
  ): () => void;
  /** Types on a console. Rejects with `bad-config` when the machine has no such console. */
  consoleInput(name: string, data: string | Uint8Array): Promise<void>;
}
