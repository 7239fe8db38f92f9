import type { WriteTracking } from '../../protocol/abi.ts';
import type { Consoles } from '../guest/consoles.ts';
import type { Execution } from '../guest/execution.ts';
import type { MachineClock } from '../guest/machine-clock.ts';
import type { HostBacking } from '../runtimes/gated-host.ts';
import type { NextRuntime } from '../runtimes/next-runtime.ts';
import type { AroundStep } from './steps.ts';
import type { OpenStore } from './targets.ts';

/** What CPR needs of a machine. */
export interface CprMachine {
  readonly id: string;
  readonly backing: HostBacking;
  readonly consoles: Consoles;
  readonly clock: MachineClock;
  readonly execution: Execution;
  readonly next: NextRuntime;
  readonly openStore: OpenStore | undefined;
  readonly around: AroundStep | undefined;
  /** Aborts with the machine's end. */
  readonly gone: AbortSignal;
  /** Live updates since the machine was created. */
  restarts: number;
  /** What is in storage under its id is this guest, or may give way to it. */
  ownsStored: boolean;
  /** A runtime's notes of what the guest writes, for whoever clears them. */
  watchedWrites(writes: WriteTracking | undefined): WriteTracking | undefined;
  /** Takes over the identity of a stored guest that goes on here. */
  become(id: string, name: string): void;
}
