import { expect, test } from 'vitest';
import { cprErrorCodes } from '../../errors.ts';
import { actionLabel, errorText } from './error-text.ts';

test.each(cprErrorCodes)('%s says what happened and what to do', (code) => {
  const { title, advice, actions } = errorText({ code }, 'start');
  expect(title).not.toMatch(/[.!]$/);
  expect(advice).toMatch(/\.$/);
  if (code !== 'unsupported-browser') expect(actions.length).toBeGreaterThan(0);
  for (const action of actions) expect(actionLabel[action]).toBeTruthy();
});

test('only a server that cannot be reached is told as a matter of the network', () => {
  const advice = (message: string) =>
    errorText({ code: 'image-unavailable', message }, 'start').advice;
  expect(advice('a.img cannot be used: its server cannot be reached')).toContain('network');
  expect(advice('a.img cannot be used: the server answered 404')).not.toContain('network');
  expect(advice('a.bin is not a PC BIOS')).toContain('what is wrong with the file');
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
  for (const code of cprErrorCodes) {
    const says = errorText({ code }, 'storage').advice.includes('private browsing');
    expect([code, says]).toEqual([code, code === 'storage-unavailable']);
  }
});

test.each(['keeper-gone', 'keeper-silent'] as const)('%s offers to reconnect', (code) => {
  expect(errorText({ code }, 'run').actions).toContain('reconnect');
});

test('a guest that cannot be resumed is not said to run on', () => {
  const codes = [
    'storage-blocked',
    'storage-failing',
    'storage-unavailable',
    'storage-full',
  ] as const;
  for (const code of codes) {
    const { advice } = errorText({ code }, 'resume-stored');
    expect(advice, code).toMatch(
      /^Nothing was started, and what is stored is left as it is\. [A-Z]/,
    );
    expect(advice, code).not.toContain('runs on');
  }
});
