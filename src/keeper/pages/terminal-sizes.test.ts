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
  const sent: string[] = [];
  const state = { output: '', frozen: false };
  const sizes = new TerminalSizes({
    output: () => state.output,
    consoleInput: (console, bytes) => {
      if (state.frozen) throw new HoldfastError('bad-runstate', 'frozen');
      expect(console).toBe('serial1');
      const [, code = ''] = new TextDecoder().decode(bytes).trim().split(' ');
      sent.push(atob(code));
    },
  });
  const print = (text: string) => sizes.received('serial1', new TextEncoder().encode(text));
  return { sizes, sent, state, print };
}

const size = { cols: 80, rows: 30 };

test('[K10] a guest learns the size of its terminal once its agent is up', () => {
  const { sizes, sent, print } = guest();
  sizes.set('serial0', size);
  vi.runAllTimers();
  expect(sent).toEqual([]);
  print('holdfast-');
  print('agent 2\n');
  expect(sent).toEqual(['stty -F /dev/ttyS0 cols 80 rows 30']);
});

test('[K10] many changes in a row are sent as the last one, and none twice', () => {
  const { sizes, sent, print } = guest();
  print('holdfast-agent 2\n');
  for (let rows = 20; rows <= 40; rows++) sizes.set('serial0', { cols: 80, rows });
  vi.runAllTimers();
  sizes.set('serial0', { cols: 80, rows: 40 });
  vi.runAllTimers();
  expect(sent).toEqual(['stty -F /dev/ttyS0 cols 80 rows 40']);
});

test('[K10] a guest that begins anew, or went back, learns it again', () => {
  const { sizes, sent, state, print } = guest();
  sizes.set('serial0', size);
  print('holdfast-agent 2\n');
  sizes.reset();
  sizes.sendSizes();
  expect(sent).toHaveLength(1);
  print('holdfast-agent 2\n');
  expect(sent).toHaveLength(2);
  state.output = 'holdfast-agent 2\n';
  sizes.restored();
  expect(sent).toHaveLength(3);
});

test('[K10] a guest whose state is being saved learns it afterwards', () => {
  const { sizes, sent, state, print } = guest();
  print('holdfast-agent 2\n');
  state.frozen = true;
  sizes.set('serial0', size);
  vi.runAllTimers();
  expect(sent).toEqual([]);
  state.frozen = false;
  sizes.sendSizes();
  expect(sent).toHaveLength(1);
});

test('[K10] what is no console or no size goes nowhere', () => {
  const { sizes, sent, print } = guest();
  print('holdfast-agent 2\n');
  sizes.set('serial0; reboot', size);
  sizes.set('serial0', { cols: 0, rows: 1 });
  sizes.set('serial0', { cols: Number.NaN, rows: 24 });
  vi.runAllTimers();
  expect(sent).toEqual([]);
});
