/** Commands by what was typed. */
import type { Command } from './command.ts';

export function namesOf(commands: readonly Command[]): string[] {
  return commands.flatMap(({ names }) => names);
}

/**
 * @param words the line's; `i` stands for `info`, as in QEMU nothing else is abbreviated but by the
 *   names that a command has
 * @returns the command and the words after its name
 */
export function findCommand(
  commands: readonly Command[],
  words: readonly string[],
): { command: Command; name: string; rest: string[] } | undefined {
  const [first = '', ...rest] = words;
  const [topic, ...topicRest] = rest;
  if (first === 'info' && topic !== undefined) {
    const name = `info ${topic}`;
    const command = commands.find(({ names }) => names.includes(name));
    return command && { command, name, rest: topicRest };
  }
  const command = commands.find(({ names }) => names.includes(first));
  return command && { command, name: first, rest };
}

/** Those that begin with `name`, for whoever mistyped or abbreviated it. */
export function similarNames(commands: readonly Command[], name: string): string[] {
  return [...new Set(namesOf(commands).filter((known) => known.startsWith(name)))].sort();
}
