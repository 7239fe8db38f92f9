/** A command line for a machine, with the commands of QEMU's human monitor (HMP). */
import { HoldfastError } from '../errors.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import { Arguments, signatureText } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { splitWords, type Word } from './command-line.ts';
import { cprCommands } from './commands/cpr.ts';
import { guestCommands } from './commands/guest.ts';
import { help, topicLines } from './commands/help.ts';
import { infoCommands } from './commands/info.ts';
import { mediaCommands, removableDrives } from './commands/media.ts';
import { memoryCommands } from './commands/memory.ts';
import { migrationCommands } from './commands/migration.ts';
import { screendump } from './commands/screendump.ts';
import { type Completion, complete } from './completion.ts';
import { namesRegister } from './expression.ts';
import { History } from './history.ts';
import { findCommand, similarNames } from './lookup.ts';
import { fileOfEntry, type MonitorFiles, resultFiles, type WrittenFile } from './monitor-files.ts';
import type { MigrationOrigin, MigrationTarget, MonitorMachine } from './monitor-machine.ts';
import { registerLookup } from './register-dump.ts';

export interface MonitorOptions {
  /**
   * Access to files for commands that read or write them. By default only
   * {@link MonitorResult.files} receives them.
   */
  files?: MonitorFiles;
  /** The runtimes of `restart` and `cprsave`, newest first. */
  runtimes?: readonly RuntimeSource[];
  /** Finds the destination of `migrate`, such as `worker:NAME`. */
  targets?: (uri: string) => Promise<MigrationTarget | undefined>;
  /** Finds the source of `migrate_incoming`, such as `tab:NAME`. */
  origins?: (uri: string) => Promise<MigrationOrigin | undefined>;
  /** Lines of earlier sessions, oldest first. */
  history?: readonly string[];
}

export interface MonitorResult {
  lines: readonly string[];
  files: readonly WrittenFile[];
}

export interface Monitor {
  readonly history: History;
  /**
   * Runs one line. An empty one has no effect.
   * @throws HoldfastError `bad-command` for an unknown command, and every error of the machine
   */
  execute(line: string): Promise<MonitorResult>;
  complete(line: string, cursor?: number): Promise<Completion>;
}

const commands: readonly Command[] = [
  ...guestCommands,
  ...infoCommands,
  ...cprCommands,
  ...migrationCommands,
  ...mediaCommands,
  ...memoryCommands,
  screendump,
  help,
];

export function createMonitor(machine: MonitorMachine, options: MonitorOptions = {}): Monitor {
  const { files = resultFiles, runtimes = [], targets, origins } = options;
  const history = new History(options.history);
  return {
    history,
    async execute(line) {
      history.add(line);
      const written: WrittenFile[] = [];
      const context: CommandContext = {
        machine,
        files,
        runtimes,
        targets,
        origins,
        commands,
        history: history.lines,
        sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
        write: async (name, type, bytes) => {
          await files.write(name, type, bytes);
          written.push({ name, type, bytes });
        },
        wrote: (name, type) => written.push({ name, type }),
      };
      const reply = (await run(splitWords(line), context)) ?? [];
      return { lines: typeof reply === 'string' ? [reply] : reply, files: written };
    },
    complete: (line, cursor = line.length) =>
      complete(
        line,
        cursor,
        { commands, runtimes },
        {
          files: async () => (await files.names?.()) ?? [],
          states: () => storedStates(machine),
          devices: async () => removableDrives,
        },
      ),
  };
}

/** Completion does not fail if the machine has no storage. */
async function storedStates({ storage }: MonitorMachine): Promise<string[]> {
  const states = (await storage?.states().catch(() => [])) ?? [];
  return states.map(({ name }) => fileOfEntry(name));
}

async function run(words: readonly Word[], context: CommandContext) {
  const texts = words.map(({ text }) => text);
  if (texts.length === 0) return undefined;
  if (texts[0] === 'info' && texts.length === 1) return topicLines(commands);
  const found = findCommand(commands, texts);
  if (!found) throw unknownCommand(texts);
  const { command, name, rest } = found;
  const given = words.slice(words.length - rest.length);
  const needsRegisters = command.parameters.some(({ kind }) => kind === 'integer');
  const registers =
    needsRegisters && rest.some(namesRegister)
      ? registerLookup(await context.machine.infoRegisters())
      : undefined;
  let args: Arguments;
  try {
    args = new Arguments(name, command, given, registers);
  } catch (thrown) {
    const error = HoldfastError.from(thrown, 'bad-command', name);
    throw new HoldfastError(
      'bad-command',
      `${error.message}\nUsage: ${name} ${signatureText(command)}`.trimEnd(),
      { cause: thrown },
    );
  }
  return command.run(context, args);
}

function unknownCommand([first = '', second]: readonly string[]): HoldfastError {
  const name = first === 'info' && second !== undefined ? `${first} ${second}` : first;
  const similar = similarNames(commands, name);
  const hint = similar.length > 0 ? `\nDid you mean: ${similar.join(', ')}?` : '';
  return new HoldfastError('bad-command', `unknown command: '${name}'${hint}`);
}
