import { expect, test } from 'vitest';
import { quoteWord, splitWords } from './command-line.ts';

const texts = (line: string) => splitWords(line).map(({ text }) => text);

test('words are parted by white space, and quotes keep it', () => {
  expect(texts('  cprsave  "my state.cpr"\trestart ')).toEqual([
    'cprsave',
    'my state.cpr',
    'restart',
  ]);
  expect(texts('')).toEqual([]);
  expect(texts('x ""')).toEqual(['x', '']);
});

test("HMP's escapes stand in quotes and nowhere else", () => {
  expect(texts(String.raw`a "q\" b\\ n\n r\r t\'" c\n`)).toEqual([
    'a',
    'q" b\\ n\n r\r t\'',
    'c\\n',
  ]);
});

test('an open quote or an unknown escape is an error, except while one types', () => {
  expect(() => texts('x "abc')).toThrow('unterminated string');
  expect(() => texts(String.raw`x "a\qb"`)).toThrow(String.raw`unsupported escape code: '\q'`);
  expect(splitWords('x "my st', { partial: true }).at(-1)).toEqual({
    text: 'my st',
    start: 2,
    end: 8,
    quoted: true,
  });
});

test('quoteWord makes one word, which parses to the same text', () => {
  for (const text of ['plain', 'two words', 'a"b', 'back\\slash', '', 'line\nend\r'])
    expect(texts(quoteWord(text))).toEqual([text]);
});
