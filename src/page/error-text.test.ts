import { expect, test } from 'vitest';
import type { CprErrorCode } from '../errors.ts';
import { actionLabel, errorText } from './error-text.ts';

// A Record, so that a new code is a type error here until it is listed.
const every: Record<CprErrorCode, true> = {
  'unsupported-browser': true,
  'bad-config': true,
  'image-unavailable': true,
  'runtime-unavailable': true,
  'runtime-incompatible': true,
  'runtime-failed': true,
  'bad-vmstate': true,
  'bad-runstate': true,
  busy: true,
  'no-machine': true,
  'out-of-memory': true,
  'guest-crashed': true,
  'keeper-incompatible': true,
  'keeper-unavailable': true,
  'keeper-gone': true,
  'keeper-silent': true,
  blocked: true,
  'wrong-machine': true,
  'wrong-disk': true,
  'not-found': true,
  'storage-unavailable': true,
  'storage-blocked': true,
  'storage-newer': true,
  'storage-full': true,
  'storage-damaged': true,
  'taken-over': true,
  'file-failed': true,
  'network-unavailable': true,
  'guest-silent': true,
  'bad-command': true,
  'bad-state-file': true,
  'state-unavailable': true,
  'wrong-base': true,
  'share-failed': true,
  'not-approved': true,
  'wrong-v86-state': true,
  cancelled: true,
  internal: true,
};
const codes = Object.keys(every) as CprErrorCode[];

test.each(codes)('%s says what happened and what to do', (code) => {
  const { title, advice, actions } = errorText({ code }, 'start');
  expect(title).not.toMatch(/[.!]$/);
  expect(advice).toMatch(/\.$/);
  if (code !== 'unsupported-browser') expect(actions.length).toBeGreaterThan(0);
  for (const action of actions) expect(actionLabel[action]).toBeTruthy();
});

test('a failed live update says that the guest goes on, and does not offer to throw it away', () => {
  const text = errorText({ code: 'runtime-failed' }, 'live-update');
  expect(text.advice).toMatch(/^The guest goes on with the emulator it had\./);
  expect(text.actions).not.toContain('start-fresh');
});

test.each(['guest-crashed', 'keeper-gone', 'keeper-silent'] as const)(
  'a live update that ends in %s does not claim that the guest goes on',
  (code) => {
    expect(errorText({ code }, 'live-update').advice).not.toContain('goes on');
  },
);

test('only a browser that refuses storage is told of private browsing', () => {
  for (const code of codes) {
    const says = errorText({ code }, 'storage').advice.includes('private browsing');
    expect([code, says]).toEqual([code, code === 'storage-unavailable']);
  }
});

test.each(['keeper-gone', 'keeper-silent'] as const)('%s offers to reconnect', (code) => {
  expect(errorText({ code }, 'run').actions).toContain('reconnect');
});
