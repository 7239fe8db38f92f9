/** Splits a line of the monitor into words, with HMP's rules of quoting. */
import { HoldfastError } from '../errors.ts';

export interface Word {
  /** The word without its quotes. */
  text: string;
  /** Start of the word in the line, including its quote. */
  start: number;
  end: number;
  quoted: boolean;
}

const escapes: Record<string, string> = { n: '\n', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/**
 * @param partial the line is still being typed: an open quote ends with it
 * @throws HoldfastError `bad-command` for an open quote or an unknown escape
 */
export function splitWords(line: string, { partial = false } = {}): Word[] {
  const words: Word[] = [];
  for (let at = skipSpace(line, 0); at < line.length; ) {
    const word = line[at] === '"' ? quotedWord(line, at, partial) : plainWord(line, at);
    words.push(word);
    at = skipSpace(line, word.end);
  }
  return words;
}

/** Returns `text` quoted as one word of a line. */
export function quoteWord(text: string): string {
  if (text !== '' && !/[\s"\\]/.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
}

function skipSpace(line: string, from: number): number {
  let at = from;
  while (at < line.length && /\s/.test(line[at]!)) at++;
  return at;
}

function plainWord(line: string, start: number): Word {
  let end = start;
  while (end < line.length && !/\s/.test(line[end]!)) end++;
  return { text: line.slice(start, end), start, end, quoted: false };
}

function quotedWord(line: string, start: number, partial: boolean): Word {
  let text = '';
  let at = start + 1;
  for (; at < line.length && line[at] !== '"'; at++) {
    if (line[at] !== '\\') {
      text += line[at];
      continue;
    }
    at++;
    const escaped = escapes[line[at] ?? ''];
    if (escaped !== undefined) text += escaped;
    else if (!partial || at < line.length)
      throw new HoldfastError('bad-command', `unsupported escape code: '\\${line[at] ?? ''}'`);
  }
  const isClosed = line[at] === '"';
  if (!isClosed && !partial) throw new HoldfastError('bad-command', 'unterminated string');
  return { text, start, end: isClosed ? at + 1 : line.length, quoted: true };
}
