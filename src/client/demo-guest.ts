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

/** Options that say nothing about what is in the state. */
const free: readonly string[] = ['name', 'durable', 'suspendWhenHiddenMs'];

/** Whether these options describe the demo guest and nothing else: then its state is as good as a boot. */
export function isDemoGuest(given: MachineOptions, { options }: DemoGuest): boolean {
  const names = new Set([...Object.keys(given), ...Object.keys(options)]);
  return [...names].every((name) => {
    const option = name as keyof MachineOptions;
    return free.includes(name) || given[option] === options[option];
  });
}

/**
 * Opens the state as a machine with this configuration.
 * @returns false where the state cannot be had or read: the guest can still boot
 * @throws HoldfastError what is no fault of the state, as `bad-runstate` where there is another machine
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
