import { expect, test } from 'vitest';
import { holdfastErrorCodes } from '../../errors.ts';
import { errorText } from './error-text.ts';
import { actionLabel } from './error-texts.ts';

test.each(holdfastErrorCodes)('%s says what happened and what to do', (code) => {
  const { title, advice, actions } = errorText({ code }, 'start');
  expect(title).not.toMatch(/[.!]$/);
  expect(advice).toMatch(/\.$/);
  if (code !== 'unsupported-browser') expect(actions.length).toBeGreaterThan(0);
  for (const action of actions) expect(actionLabel[action]).toBeTruthy();
});

test('only a server that cannot be reached is reported as a network problem', () => {
  const advice = (message: string) =>
    errorText({ code: 'image-unavailable', message }, 'start').advice;
  expect(advice('a.img cannot be used: its server cannot be reached')).toContain('network');
  expect(advice('a.img cannot be used: the server answered 404')).not.toContain('network');
  expect(advice('a.bin is not a PC BIOS')).toContain('correct the file');
});

test('a failed live update says that the guest keeps running, and does not offer to throw it away', () => {
  const text = errorText({ code: 'runtime-failed' }, 'live-update');
  expect(text.advice).toMatch(/^The guest keeps running on the emulator it had\./);
  expect(text.actions).not.toContain('start-fresh');
});

test.each(['guest-crashed', 'keeper-gone', 'keeper-silent'] as const)(
  'a live update that ends in %s does not claim that the guest keeps running',
  (code) => {
    expect(errorText({ code }, 'live-update').advice).not.toContain('keeps running');
  },
);

test('only a browser that refuses storage is reported with private browsing', () => {
  for (const code of holdfastErrorCodes) {
    const says = errorText({ code }, 'storage').advice.includes('private browsing');
    expect([code, says]).toEqual([code, code === 'storage-unavailable']);
  }
});

test.each(['keeper-gone', 'keeper-silent'] as const)('%s offers to reconnect', (code) => {
  expect(errorText({ code }, 'run').actions).toContain('reconnect');
});

test('a guest that cannot be resumed is not said to keep running', () => {
  const codes = [
    'storage-blocked',
    'storage-failing',
    'storage-unavailable',
    'storage-full',
  ] as const;
  for (const code of codes) {
    const { advice } = errorText({ code }, 'resume-stored');
    expect(advice, code).toMatch(
      /^Nothing was started, and the stored guest is left as it is\. [A-Z]/,
    );
    expect(advice, code).not.toContain('keeps running');
  }
});

test('a guest that would lose something on its way to the newer keeper can be moved anyway', () => {
  const { actions, advice } = errorText({ code: 'blocked' }, 'connect');
  expect(actions).toContain('move-anyway');
  expect(advice).toContain('continues there');
});
