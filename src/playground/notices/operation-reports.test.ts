import { expect, test } from 'vitest';
import { detailOf } from './operation-reports.ts';

const stack = 'RangeError: Maximum call stack size exceeded\n    at https://x.test/v86.js:1:2';

test('a crash shows no stack: all of it is folded away', () => {
  const crash = { code: 'guest-crashed', phase: undefined, message: stack } as const;
  expect(detailOf(crash)).toEqual({ folded: `${stack}\n(guest-crashed)` });
});

test('several lines: the first is shown, the rest is folded away', () => {
  const failed = { code: 'runtime-failed', phase: 'load', message: `It broke.\n${stack}` } as const;
  expect(detailOf(failed)).toEqual({
    detail: 'It broke. (runtime-failed, phase load)',
    folded: `It broke.\n${stack}\n(runtime-failed, phase load)`,
  });
});

test('one sentence is shown as it is', () => {
  const failed = { code: 'busy', phase: undefined, message: 'It is busy.' } as const;
  expect(detailOf(failed)).toEqual({ detail: 'It is busy. (busy)' });
});
