/** For tests: run states of a machine when it is saved, and checks that they are restored. */
import { expect } from 'vitest';
import type { HoldfastError } from '../../errors.ts';
import type { Keeper } from '../keeper.ts';
import type { FakeRuntime } from './fake-runtime.ts';

export const savedRunstates = ['running', 'paused', 'suspended', 'paused while suspended'] as const;
export type SavedRunstate = (typeof savedRunstates)[number];

/** Brings a running machine into this run state. */
export async function begin(keeper: Keeper, savedRunstate: SavedRunstate): Promise<void> {
  if (savedRunstate.includes('suspended')) await keeper.suspend();
  if (savedRunstate.startsWith('paused')) await keeper.pause();
}

/** Checks that the guest has its saved runstate in this runtime, and can still be resumed. */
export async function expectSavedRunstate(
  keeper: Keeper,
  savedRunstate: SavedRunstate,
  runtime: FakeRuntime,
): Promise<void> {
  const status = () => keeper.info().machine;
  expect(status()?.runstate).toBe(
    savedRunstate === 'paused while suspended' ? 'paused' : savedRunstate,
  );
  expect(runtime.running).toBe(savedRunstate === 'running');
  expect(status()?.runtimeId).toBe(runtime.name);
  if (savedRunstate.startsWith('paused')) await keeper.resume();
  if (savedRunstate.includes('suspended')) {
    expect(status()?.runstate).toBe('suspended');
    expect(runtime.running).toBe(false);
    await keeper.wakeup();
  }
  expect(status()?.runstate).toBe('running');
  expect(runtime.running).toBe(true);
}

/** Resolves with the error of `promise`. */
export const failure = (promise: Promise<unknown>): Promise<HoldfastError> =>
  promise.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (thrown) => thrown,
  );
