import type { Execution } from '../execution.ts';
import type { HostBacking } from '../gated-host.ts';
import type { NextRuntime } from '../next-runtime.ts';
import type { AroundStep } from './steps.ts';
import type { OpenStore } from './targets.ts';

/** What CPR needs of a machine. */
export interface CprMachine {
  readonly id: string;
  readonly backing: HostBacking;
  readonly execution: Execution;
  readonly next: NextRuntime;
  readonly openStore: OpenStore | undefined;
  readonly around: AroundStep | undefined;
}
