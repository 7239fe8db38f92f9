import { expect, test } from 'vitest';
import { linkToState, linkWithState, stateOfPayload } from './link.ts';

const page = 'https://x.test/pc/index.html?m=96#there';

test('a link names a state beside the page by its path, any other by its whole address', () => {
  expect(linkToState('https://x.test/pc/states/ab', page)).toBe(
    'https://x.test/pc/?state=states/ab',
  );
  const link = linkToState('https://y.test/a b?c&d#e', page);
  expect(new URL(link).searchParams.get('state')).toBe('https://y.test/a b?c&d#e');
});

test('a state in a link arrives byte by byte', () => {
  for (const length of [0, 1, 2, 3, 255, 256]) {
    const state = Uint8Array.from({ length }, (_, i) => 255 - (i % 256));
    const payload = new URL(linkWithState(state, page)).hash.slice('#s='.length);
    expect(payload).toMatch(/^[A-Za-z0-9_-]*$/);
    expect(stateOfPayload(payload)).toEqual(state);
  }
});

test('a link that was cut off is refused in words', () => {
  expect(() => stateOfPayload('abcde')).toThrow(
    expect.objectContaining({ code: 'bad-state-file', message: expect.stringContaining('whole') }),
  );
});
