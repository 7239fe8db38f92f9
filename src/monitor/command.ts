/** What a command is, and what it is given. */
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { Arguments, Signature } from './arguments.ts';
import type { MonitorFiles } from './files.ts';
import type { MonitorMachine } from './machine.ts';

export interface CommandContext {
  readonly machine: MonitorMachine;
  readonly files: MonitorFiles;
  /** Those that a guest can be handed to, newest first. */
  readonly runtimes: readonly RuntimeSource[];
  /** Every command, for `help`. */
  readonly commands: readonly Command[];
  /** Lines that were entered, oldest first. */
  readonly history: readonly string[];
  sleep(ms: number): Promise<void>;
  /** Writes a file to where the host wants it. */
  write(name: string, type: string, bytes: Uint8Array): Promise<void>;
  /** Tells of a file that is in its place already. */
  wrote(name: string, type: string): void;
}

export interface Command extends Signature {
  /** The name, and what it may be called as well. `info status` is one name. */
  readonly names: readonly [string, ...string[]];
  /** One line, without a full stop. */
  readonly help: string;
  /** @returns what it has to say, if anything */
  run(context: CommandContext, args: Arguments): Promise<readonly string[] | string | undefined>;
}
