import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import { TerminalSizes } from './terminal-sizes.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A guest, and the shell code that its agent receives. */
function guest() {
  const told: string[] = [];
  const state = { said: '', frozen: false };
  const sizes = new TerminalSizes({
    said: () => state.said,
    consoleInput: (console, bytes) => {
      if (state.frozen) throw new HoldfastError('bad-runstate', 'frozen');
      expect(console).toBe('serial1');
      const [, code = ''] = new TextDecoder().decode(bytes).trim().split(' ');
      told.push(atob(code));
    },
  });
  const say = (text: string) => sizes.heard('serial1', new TextEncoder().encode(text));
  return { sizes, told, state, say };
}

const size = { cols: 80, rows: 30 };

test('[K10] a guest is told the size of its terminal once its agent is up', () => {
  const { sizes, told, say } = guest();
  sizes.set('serial0', size);
  vi.runAllTimers();
  expect(told).toEqual([]);
  say('holdfast-');
  say('agent 2\n');
  expect(told).toEqual(['stty -F /dev/ttyS0 cols 80 rows 30']);
});

test('[K10] many changes in a row are told as the last one, and none twice', () => {
  const { sizes, told, say } = guest();
  say('holdfast-agent 2\n');
  for (let rows = 20; rows <= 40; rows++) sizes.set('serial0', { cols: 80, rows });
  vi.runAllTimers();
  sizes.set('serial0', { cols: 80, rows: 40 });
  vi.runAllTimers();
  expect(told).toEqual(['stty -F /dev/ttyS0 cols 80 rows 40']);
});

test('[K10] a guest that begins anew, or went back, is told again', () => {
  const { sizes, told, state, say } = guest();
  sizes.set('serial0', size);
  say('holdfast-agent 2\n');
  sizes.reset();
  sizes.tell();
  expect(told).toHaveLength(1);
  say('holdfast-agent 2\n');
  expect(told).toHaveLength(2);
  state.said = 'holdfast-agent 2\n';
  sizes.restored();
  expect(told).toHaveLength(3);
});

test('[K10] a guest whose state is being saved is told afterwards', () => {
  const { sizes, told, state, say } = guest();
  say('holdfast-agent 2\n');
  state.frozen = true;
  sizes.set('serial0', size);
  vi.runAllTimers();
  expect(told).toEqual([]);
  state.frozen = false;
  sizes.tell();
  expect(told).toHaveLength(1);
});

test('[K10] what is no console or no size goes nowhere', () => {
  const { sizes, told, say } = guest();
  say('holdfast-agent 2\n');
  sizes.set('serial0; reboot', size);
  sizes.set('serial0', { cols: 0, rows: 1 });
  sizes.set('serial0', { cols: Number.NaN, rows: 24 });
  vi.runAllTimers();
  expect(told).toEqual([]);
});
