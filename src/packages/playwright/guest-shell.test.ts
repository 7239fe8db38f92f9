import { expect, test } from 'vitest';
import { runAnswer } from './guest-shell.ts';

test('a status of which only the first digits have arrived is no answer', () => {
  const answer = 'BEGIN 1.0\r\nTerminated\r\nEND 1.0 143\r\n';
  for (let arrived = 0; arrived < answer.length; arrived++)
    expect(runAnswer('1.0').exec(answer.slice(0, arrived))).toBeNull();
  expect(runAnswer('1.0').exec(answer)?.slice(1)).toEqual(['Terminated\r\n', '143']);
});
