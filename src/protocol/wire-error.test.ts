import { expect, test } from 'vitest';
import { adoptHoldfastError } from './wire-error.ts';

test.each(['HoldfastError', 'CprError'])(
  'an error of another bundle, named %s, is ours',
  (name) => {
    const theirs = Object.assign(new Error('The disk is away.'), {
      name,
      code: 'busy',
      phase: 'stop',
    });
    expect(adoptHoldfastError(theirs)).toMatchObject({
      name: 'HoldfastError',
      code: 'busy',
      phase: 'stop',
      message: 'The disk is away.',
    });
  },
);

test('a foreign error passes through', () => {
  const theirs = Object.assign(new Error('no'), { code: 'busy' });
  expect(adoptHoldfastError(theirs)).toBe(theirs);
});
