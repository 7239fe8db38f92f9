/** The demo guest of a build, which starts at its prompt instead of booting. */
import { HoldfastError } from '../errors.ts';
import type { MachineConfig } from '../protocol/config.ts';
import type { MachineOptions } from '../protocol/options/machine-options.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { Machine } from './types.ts';

export interface DemoGuest {
  /** Boot options, with absolute URLs. */
  options: MachineOptions;
  /** URL of a state file: this guest at its prompt. */
  stateUrl: string;
}

/** Options that do not affect the contents of the state. */
const free: readonly string[] = ['name', 'durable', 'suspendWhenHiddenMs'];

/**
 * Whether these options describe exactly the demo guest: then its state is equivalent to a boot.
 */
export function isDemoGuest(given: MachineOptions, { options }: DemoGuest): boolean {
  const names = new Set([...Object.keys(given), ...Object.keys(options)]);
  return [...names].every((name) => {
    const option = name as keyof MachineOptions;
    return free.includes(name) || given[option] === options[option];
  });
}

/**
 * Opens the state as a machine with this configuration.
 * @returns false if the state cannot be fetched or read: the guest can still boot
 * @throws HoldfastError for errors that the state does not cause, such as `bad-runstate` if another
 * machine runs
 */
export async function openAtPrompt(
  machine: Machine,
  { stateUrl }: DemoGuest,
  options: { config: MachineConfig; runtime: RuntimeSource; replace?: boolean },
): Promise<boolean> {
  try {
    const config = { ...options.config, foreign: options.config.foreign ?? false };
    await machine.openState(stateUrl, { ...options, config });
    return true;
  } catch (thrown) {
    const { code } = HoldfastError.from(thrown, 'internal', 'The state could not be opened');
    if (code === 'bad-runstate' || code === 'busy' || code === 'taken-over') throw thrown;
    console.warn('The guest boots, because its state at the prompt could not be opened:', thrown);
    return false;
  }
}
