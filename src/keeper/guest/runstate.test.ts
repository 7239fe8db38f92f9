import { expect, test } from 'vitest';
import type { HoldfastError } from '../../errors.ts';
import { canFollow, RunstateMachine } from './runstate.ts';

function thrownBy(action: () => void): HoldfastError {
  try {
    action();
  } catch (thrown) {
    return thrown as HoldfastError;
  }
  throw new Error('nothing was thrown');
}

test('a machine can be launched, paused, resumed and can crash', () => {
  const runstate = new RunstateMachine();
  expect(runstate.current).toBe('prelaunch');
  for (const next of ['running', 'paused', 'running', 'save-vm', 'running'] as const) {
    runstate.set(next);
    expect(runstate.current).toBe(next);
  }
  runstate.set('internal-error');
});

test('a transition that QEMU does not have is a defect, and does not happen', () => {
  const runstate = new RunstateMachine();
  expect(thrownBy(() => runstate.set('paused')).code).toBe('internal');
  expect(runstate.current).toBe('prelaunch');
});

test('a crashed machine never simply runs again', () => {
  expect(canFollow('internal-error', 'running')).toBe(false);
  expect(canFollow('shutdown', 'running')).toBe(false);
  expect(canFollow('paused', 'save-vm')).toBe(false);
});

test('an operation in the wrong runstate says which runstate that is', () => {
  const runstate = new RunstateMachine();
  const error = thrownBy(() => runstate.require('pause', 'running'));
  expect(error.code).toBe('bad-runstate');
  expect(error.message).toContain('Cannot pause');
  expect(error.message).toContain('prelaunch');
});
