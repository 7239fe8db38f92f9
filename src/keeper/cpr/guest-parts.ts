import type { WriteTracking } from '../../protocol/abi.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import type { Durability } from '../../protocol/stored.ts';
import type { WatchedWrites } from '../checkpoint/watched-writes.ts';
import type { Consoles } from '../guest/consoles.ts';
import type { Execution } from '../guest/execution.ts';
import type { MachineClock } from '../guest/machine-clock.ts';
import type { RecentPages } from '../guest/recent-pages.ts';
import type { MachineMemory } from '../lazy/machine-memory.ts';
import type { HostBacking } from '../runtimes/gated-host.ts';
import type { NextRuntime } from '../runtimes/next-runtime.ts';
import type { AroundStep } from './steps.ts';
import type { OpenStore } from './targets.ts';

/**
 * Parts that a guest is made of, for the code that saves, restores or shows it. `MachineCalls` of
 * src/protocol/keeper-calls.ts lists what may be done to it.
 */
export interface GuestParts {
  readonly id: string;
  readonly backing: HostBacking;
  readonly consoles: Consoles;
  readonly clock: MachineClock;
  readonly execution: Execution;
  readonly next: NextRuntime;
  /** Channel to the attached pages. */
  readonly view: { emit(event: MachineEvent): void; sendStatus(): void };
  readonly memory: MachineMemory;
  readonly recentPages: RecentPages;
  /** Absent where nothing keeps it. */
  readonly durability: { readonly status: Durability | undefined };
  readonly openStore: OpenStore | undefined;
  readonly around: AroundStep | undefined;
  /** Aborts when the machine ends. */
  readonly gone: AbortSignal;
  /** Live updates since the machine was created. */
  restarts: number;
  /** The machine in storage under its id is this guest, or may give way to it. */
  ownsStored: boolean;
  /** A runtime's notes of what the guest writes, for code that clears them. */
  watchedWrites(writes: WriteTracking | undefined): WatchedWrites | undefined;
  /** Takes over the identity of a stored guest that resumes here. */
  become(id: string, name: string): void;
  /** Takes over a configuration, as far as it is the guest's: what is in its drives. */
  configure(config: MachineConfig): void;
}
