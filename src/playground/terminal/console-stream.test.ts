import { expect, test } from 'vitest';
import { ConsoleStream } from './console-stream.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function read(...outputs: [offset: number, text: string][]): string {
  const stream = new ConsoleStream();
  return outputs
    .map(([offset, text]) => {
      const accepted = stream.accept(offset, bytes(text));
      return (accepted.newMachine ? '|' : '') + new TextDecoder().decode(accepted.bytes);
    })
    .join('');
}

test('output in order is shown as it is', () => {
  expect(read([0, 'abc'], [3, 'def'])).toBe('abcdef');
});

test('what arrives twice is shown once', () => {
  expect(read([0, 'abcdef'], [0, 'abcdef'], [3, 'defgh'], [4, 'ef'], [8, 'i'])).toBe('abcdefghi');
});

test('a scrollback that begins later, or with a gap, is shown', () => {
  expect(read([1000, 'x'], [2000, 'y'])).toBe('xy');
});

test('[11] what is missing in the middle is counted, and not what was said before this page came', () => {
  const stream = new ConsoleStream();
  const missed = (offset: number) => stream.accept(offset, bytes('x')).missed;
  expect([missed(1000), missed(1001), missed(1500), missed(1400)]).toEqual([0, 0, 498, 0]);
});

test('a new machine is recognised by its first output', () => {
  expect(read([0, 'old guest'], [0, 'new'], [3, '!'])).toBe('old guest|new!');
});

test('a new machine that is expected is recognised however much it says', () => {
  const stream = new ConsoleStream();
  stream.accept(0, bytes('abc'));
  stream.expectNewMachine();
  // The old guest goes on until the new one is there.
  expect(stream.accept(3, bytes('d'))).toEqual({ newMachine: false, missed: 0, bytes: bytes('d') });
  expect(stream.accept(0, bytes('abcdef'))).toEqual({
    newMachine: true,
    missed: 0,
    bytes: bytes('abcdef'),
  });
});

test('a terminal that was cleared for the new machine is not cleared again', () => {
  const stream = new ConsoleStream();
  stream.accept(0, bytes('abc'));
  stream.expectNewMachine();
  expect(stream.isExpectingNewMachine).toBe(true);
  stream.forget();
  expect(stream.accept(0, bytes('x'))).toEqual({ newMachine: false, missed: 0, bytes: bytes('x') });
  expect(stream.isExpectingNewMachine).toBe(false);
});
