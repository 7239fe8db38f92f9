import { expect, test, vi } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import { PageInput } from './page-input.ts';

/** Records the input that the guest receives; it is refused while `frozen`. */
function guest() {
  const sent: unknown[] = [];
  const state = { frozen: false };
  const input = new PageInput((command, args) => {
    if (state.frozen) throw new HoldfastError('bad-runstate', 'frozen');
    sent.push([command, ...args.map((arg) => (arg instanceof Uint8Array ? [...arg] : arg))]);
  });
  return { input, sent, state };
}

const codes = (...bytes: number[]) => [Uint8Array.from(bytes)];

test('[K2] keys and buttons of a page that closes are released', () => {
  const { input, sent } = guest();
  const page = {};
  input.note(page, 'scancodes', codes(0x2a, 0xe0, 0x38, 0x1e, 0x9e));
  input.note(page, 'mouseButtons', [true, false, false]);
  input.gone(page);
  expect(sent).toEqual([
    ['scancodes', [0xe0, 0xb8, 0xaa]],
    ['mouseButtons', false, false, false],
  ]);
  input.gone(page);
  expect(sent).toHaveLength(2);
});

test('[K2] what another page holds as well stays down', () => {
  const { input, sent } = guest();
  const [first, second] = [{}, {}];
  input.note(first, 'scancodes', codes(0x2a, 0x1d));
  input.note(first, 'mouseButtons', [true, false, true]);
  input.note(second, 'scancodes', codes(0x2a));
  input.note(second, 'mouseButtons', [true, false, false]);
  input.gone(first);
  expect(sent).toEqual([
    ['scancodes', [0x9d]],
    ['mouseButtons', true, false, false],
  ]);
});

test('[K2] a page that holds nothing says nothing when it goes', () => {
  const { input, sent } = guest();
  const page = {};
  input.note(page, 'scancodes', codes(0x1e, 0x9e));
  input.note(page, 'mouseButtons', [false, false, false]);
  input.gone(page);
  expect(sent).toEqual([]);
});

test('[K2] a guest whose state is being saved gets the releases afterwards', () => {
  const { input, sent, state } = guest();
  const page = {};
  input.note(page, 'scancodes', codes(0x2a));
  state.frozen = true;
  input.gone(page);
  expect(sent).toEqual([]);
  state.frozen = false;
  input.settle();
  input.settle();
  expect(sent).toEqual([['scancodes', [0xaa]]]);
});

test('[K2] an older runtime, which cannot release them by itself, is asked once', () => {
  const asked: string[] = [];
  const input = new PageInput((command) => {
    asked.push(command);
    if (command === 'releaseInput') throw new HoldfastError('internal', 'no such command');
  });
  input.forget();
  const page = {};
  input.note(page, 'scancodes', codes(0x2a));
  input.gone(page);
  expect(asked).toEqual(['releaseInput', 'scancodes']);
});

test('[K2] in a guest that went back in time no page holds a key, and the guest releases its own', () => {
  const { input, sent } = guest();
  const page = {};
  input.note(page, 'scancodes', codes(0x2a));
  input.forget();
  expect(sent).toEqual([['releaseInput']]);
  input.gone(page);
  expect(sent).toHaveLength(1);
});

test("[K9] each page's keys come after what its own keyboard's lights show", () => {
  const { input, sent } = guest();
  const [first, second] = [{}, {}];
  const type = (page: object) => {
    input.precede(page, 'scancodes');
    input.note(page, 'scancodes', codes(0x1e, 0x9e));
  };
  input.note(first, 'keyboardLocks', [{ caps: true }]);
  type(first);
  input.note(second, 'keyboardLocks', [{ caps: false, num: true }]);
  type(second);
  expect(sent, 'nobody else came between').toEqual([]);
  type(first);
  type(first);
  type(second);
  expect(sent).toEqual([
    ['keyboardLocks', { caps: true }],
    ['keyboardLocks', { caps: false, num: true }],
  ]);
  // On purpose: what it said of Caps Lock before is over.
  input.note(second, 'scancodes', codes(0x3a, 0xba));
  type(first);
  type(second);
  expect(sent.slice(2)).toEqual([
    ['keyboardLocks', { caps: true }],
    ['keyboardLocks', { num: true }],
  ]);
});

test('[K9] keys are sent if the lights of the guest are unknown', () => {
  const { input, state } = guest();
  const [first, second] = [{}, {}];
  input.note(first, 'keyboardLocks', [{ caps: true }]);
  input.note(second, 'keyboardLocks', [{ caps: false }]);
  state.frozen = true;
  expect(() => input.precede(first, 'scancodes')).not.toThrow();
});

test('[MI19] what a page holds stays down when the guest moves, until the page releases it or does not follow', () => {
  vi.useFakeTimers();
  const source = guest();
  const pages = { first: { pageId: 'a' }, second: { pageId: 'b' } };
  source.input.note(pages.first, 'scancodes', codes(0x2a, 0xe0, 0x48));
  source.input.note(pages.second, 'scancodes', codes(0x1d));
  source.input.note(pages.second, 'mouseButtons', [true, false, false]);

  const { input, sent } = guest();
  input.arrived(JSON.parse(JSON.stringify(source.input.held())));
  expect(sent).toEqual([]);
  const followed = { pageId: 'a' };
  input.attached(followed);
  vi.runAllTimers();
  expect(sent).toEqual([
    ['scancodes', [0x9d]],
    ['mouseButtons', false, false, false],
  ]);
  input.gone(followed);
  expect(sent.at(-1)).toEqual(['scancodes', [0xe0, 0xc8, 0xaa]]);
  vi.useRealTimers();
});

test('[MI19] a guest that moves while no page holds anything has all its keys released', () => {
  const { input, sent } = guest();
  input.arrived([]);
  expect(sent).toEqual([['releaseInput']]);
});
