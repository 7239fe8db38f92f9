/** For tests: what a machine may be doing when it is saved, and how to see that it does so again. */
import { expect } from 'vitest';
import type { HoldfastError } from '../../errors.ts';
import type { Keeper } from '../keeper.ts';
import type { FakeRuntime } from './fake-runtime.ts';

export const everySavedRunstate = [
  'running',
  'paused',
  'suspended',
  'paused while suspended',
] as const;
export type SavedRunstateOfTest = (typeof everySavedRunstate)[number];

/** Makes a machine that runs do this. */
export async function begin(keeper: Keeper, doing: SavedRunstateOfTest): Promise<void> {
  if (doing.includes('suspended')) await keeper.suspend();
  if (doing.startsWith('paused')) await keeper.pause();
}

/** The guest does what it did, in this runtime, and can still be told to go on. */
export async function expectSavedRunstate(
  keeper: Keeper,
  doing: SavedRunstateOfTest,
  runtime: FakeRuntime,
): Promise<void> {
  const status = () => keeper.info().machine;
  expect(status()?.runstate).toBe(doing === 'paused while suspended' ? 'paused' : doing);
  expect(runtime.running).toBe(doing === 'running');
  expect(status()?.runtimeId).toBe(runtime.name);
  if (doing.startsWith('paused')) await keeper.resume();
  if (doing.includes('suspended')) {
    expect(status()?.runstate).toBe('suspended');
    expect(runtime.running).toBe(false);
    await keeper.wakeup();
  }
  expect(status()?.runstate).toBe('running');
  expect(runtime.running).toBe(true);
}

/** What `promise` is rejected with. */
export const failure = (promise: Promise<unknown>): Promise<HoldfastError> =>
  promise.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (thrown) => thrown,
  );
