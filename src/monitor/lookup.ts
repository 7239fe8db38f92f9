/** Finds commands by the typed words. */
import type { Command } from './command.ts';

export function namesOf(commands: readonly Command[]): string[] {
  return commands.flatMap(({ names }) => names);
}

/**
 * Finds a command. As in QEMU, a command has no abbreviations except its other names.
 * @param words the words of the line
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

/** Returns names that begin with `name`, as suggestions for a mistyped or abbreviated one. */
export function similarNames(commands: readonly Command[], name: string): string[] {
  return [...new Set(namesOf(commands).filter((known) => known.startsWith(name)))].sort();
}
