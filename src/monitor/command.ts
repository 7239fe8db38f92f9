/** Types of a command and its context. */
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { Arguments, Signature } from './arguments.ts';
import type { MonitorFiles } from './monitor-files.ts';
import type { MigrationOrigin, MigrationTarget, MonitorMachine } from './monitor-machine.ts';

export interface CommandContext {
  readonly machine: MonitorMachine;
  readonly files: MonitorFiles;
  /** Runtimes that a guest can move to, newest first. */
  readonly runtimes: readonly RuntimeSource[];
  /** Finds the destination of a migration; undefined for none of this name. Absent: there are none. */
  readonly targets: ((uri: string) => Promise<MigrationTarget | undefined>) | undefined;
  /** Finds where `migrate_incoming` takes a guest from, as {@link targets} does. */
  readonly origins: ((uri: string) => Promise<MigrationOrigin | undefined>) | undefined;
  /** Every command, for `help`. */
  readonly commands: readonly Command[];
  /** Lines that were entered, oldest first. */
  readonly history: readonly string[];
  sleep(ms: number): Promise<void>;
  /** Writes a file to the place that the host chooses. */
  write(name: string, type: string, bytes: Uint8Array): Promise<void>;
  /** Reports a file that is already in its place. */
  wrote(name: string, type: string): void;
}

export interface Command extends Signature {
  /** Name of the command, and its other names. `info status` is one name. */
  readonly names: readonly [string, ...string[]];
  /** One line, without a full stop. */
  readonly help: string;
  /** @returns the output of the command, if any */
  run(context: CommandContext, args: Arguments): Promise<readonly string[] | string | undefined>;
}
