import { expect, test } from 'vitest';
import { History } from './history.ts';

test('up and down go through the lines and return to the unfinished one', () => {
  const history = new History(['info status', 'stop']);
  expect(history.newer()).toBeUndefined();
  expect(history.older('con')).toBe('stop');
  expect(history.older('stop')).toBe('info status');
  expect(history.older('info status')).toBeUndefined();
  expect(history.newer()).toBe('stop');
  expect(history.newer()).toBe('con');
  expect(history.newer()).toBeUndefined();
});

test('a line that was entered again is there once, at the end, and blank ones are not', () => {
  const history = new History();
  for (const line of ['stop', 'cont', 'stop', '  ', '']) history.add(line);
  expect(history.lines).toEqual(['cont', 'stop']);
});

test('a search finds the newest line and continues from there', () => {
  const history = new History(['info block', 'stop', 'info network']);
  const first = history.search('info');
  expect(first).toEqual({ line: 'info network', at: 2 });
  expect(history.search('info', first?.at)).toEqual({ line: 'info block', at: 0 });
  expect(history.search('info', 0)).toBeUndefined();
});

test('no more than 200 lines are kept', () => {
  const history = new History();
  for (let line = 0; line < 300; line++) history.add(`line ${line}`);
  expect(history.lines).toHaveLength(200);
  expect(history.lines.at(-1)).toBe('line 299');
});
