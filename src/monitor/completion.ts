/** Completes a line of the monitor. */

import { keyNames } from '../pc/keys.ts';
import type { ArgumentKind, Parameter } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { quoteWord, splitWords, type Word } from './command-line.ts';
import { cprModes } from './commands/info.ts';
import { findCommand, namesOf } from './lookup.ts';

export interface Completion {
  /** The settled part of the line: up to the cursor, then `rest`. */
  line: string;
  /** New position of the cursor. */
  cursor: number;
  /** Possible completions of the word, sorted; one if it is complete. */
  candidates: readonly string[];
}

/** Candidates that only the host knows. */
interface CompletionSources {
  files(): Promise<readonly string[]>;
  /** States in storage, as `store:NAME`. */
  states(): Promise<readonly string[]>;
  devices(): Promise<readonly string[]>;
}

/** @param cursor position in the line; the text after it is kept */
export async function complete(
  line: string,
  cursor: number,
  context: Pick<CommandContext, 'commands' | 'runtimes'>,
  sources: CompletionSources,
): Promise<Completion> {
  const before = line.slice(0, cursor);
  const words = splitWords(before, { partial: true });
  const isNewWord = words.length === 0 || words.at(-1)!.end < before.length;
  const word: Word = isNewWord
    ? { text: '', start: before.length, end: before.length, quoted: false }
    : words.at(-1)!;
  const previous = (isNewWord ? words : words.slice(0, -1)).map(({ text }) => text);

  const { prefix, candidates } = await candidatesFor(word.text, previous, context, sources);
  const fitting = [...new Set(candidates)]
    .filter((name) => name.startsWith(word.text.slice(prefix.length)))
    .sort();
  if (fitting.length === 0) return { line, cursor, candidates: [] };
  const sure = prefix + commonPrefix(fitting);
  const isComplete = fitting.length === 1;
  // A list of keys may continue.
  const space = isComplete && prefix === '' && !endsOpen(sure) ? ' ' : '';
  const completed = before.slice(0, word.start) + quoteWord(sure) + space;
  return {
    line: completed + line.slice(cursor),
    cursor: completed.length,
    candidates: fitting.map((name) => prefix + name),
  };
}

/**
 * Returns the candidates and the `prefix`, which is the settled part of the word: the keys before
 * the last `-`.
 */
async function candidatesFor(
  word: string,
  previous: readonly string[],
  context: Pick<CommandContext, 'commands' | 'runtimes'>,
  sources: CompletionSources,
): Promise<{ prefix: string; candidates: readonly string[] }> {
  const plain = (candidates: readonly string[]) => ({ prefix: '', candidates });
  const [first] = previous;
  if (first === undefined) return plain(firstWords(context.commands));
  if (first === 'info' && previous.length === 1) return plain(topics(context.commands));
  const command = findCommand(context.commands, previous);
  if (!command) return plain([]);
  const { parameters, options = [] } = command.command;
  if (word.startsWith('-')) return plain(options.map(({ letter }) => `-${letter}`));
  const given = command.rest.filter((text) => !text.startsWith('-'));
  const parameter = parameterAt(parameters, given);
  if (!parameter) return plain([]);
  if (parameter.kind === 'keys') {
    const prefix = word.slice(0, word.lastIndexOf('-') + 1);
    return { prefix, candidates: keyNames };
  }
  return plain(await candidatesOf(parameter.kind, context, sources));
}

function parameterAt(
  parameters: readonly Parameter[],
  given: readonly string[],
): Parameter | undefined {
  const words = parameters.filter(({ kind }) => kind !== 'format');
  return words[given.filter((text) => !text.startsWith('/')).length];
}

async function candidatesOf(
  kind: ArgumentKind,
  { commands, runtimes }: Pick<CommandContext, 'commands' | 'runtimes'>,
  sources: CompletionSources,
): Promise<readonly string[]> {
  switch (kind) {
    case 'file':
      return sources.files();
    case 'state':
      return [...(await sources.files()), ...(await sources.states())];
    case 'device':
      return sources.devices();
    case 'mode':
      return cprModes;
    case 'runtime':
      return runtimes.map(({ v86Version }) => v86Version);
    case 'command':
      return firstWords(commands);
    case 'topic':
      return topics(commands);
    case 'keys':
      return keyNames;
    case 'string':
    case 'integer':
    case 'format':
      return [];
  }
}

const firstWords = (commands: readonly Command[]): string[] =>
  // Completion leaves out the aliases of one letter, which are only meant to be typed.
  namesOf(commands)
    .map((name) => name.split(' ')[0]!)
    .filter((name) => name.length > 1 || name === 'x');

const topics = (commands: readonly Command[]): string[] =>
  namesOf(commands).flatMap((name) => (name.startsWith('info ') ? [name.slice(5)] : []));

/** True for a name that needs more text. */
const endsOpen = (text: string): boolean => text.endsWith(':');

function commonPrefix(names: readonly string[]): string {
  let prefix = names[0] ?? '';
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}
