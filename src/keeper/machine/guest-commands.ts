/** Runtime commands by name: those that wake a guest, and those that work on a saved guest. */
import { HoldfastError } from '../../errors.ts';
import type { Execution } from '../guest/execution.ts';

const waking = ['consoleInput', 'scancodes', 'reset', 'systemPowerdown'];
const looking = ['screen', 'filesRead', 'filesList'];

/** Returns true for a command that wakes a suspended guest. */
function wakesGuest(command: string): boolean {
  return waking.includes(command) || command.startsWith('mouse');
}

/**
 * Returns true for a command without effect on the guest. Other effects on a saved guest would be
 * lost.
 */
function onlyLooks(command: string): boolean {
  return looking.includes(command) || /^(?:info|read|check)/.test(command);
}

/** @throws HoldfastError `bad-runstate` for a saved guest, or errors of the command */
export function runCommand(execution: Execution, name: string, args: unknown[]): unknown {
  if (wakesGuest(name)) {
    requireReceptive(execution, name);
    execution.wakeIfSuspended();
  }
  return commandGuest(execution, name, args);
}

/**
 * Like {@link runCommand}, but a suspended guest is not woken: it gets the input when something
 * else wakes it.
 */
export function commandGuest(execution: Execution, name: string, args: unknown[]): unknown {
  const { commands, v86Version } = execution.instance;
  const command: unknown = name in Object.prototype ? undefined : commands[name];
  if (typeof command !== 'function') {
    throw new HoldfastError(
      'internal',
      `The runtime (v86 ${v86Version}) has no command "${name}".`,
    );
  }
  if (!onlyLooks(name)) requireReceptive(execution, name);
  return command.apply(commands, args);
}

/** Input to devices that were already saved would be lost. */
function requireReceptive(execution: Execution, command: string): void {
  if (!execution.isFrozen) return;
  throw new HoldfastError(
    'bad-runstate',
    `The guest takes no "${command}" now: its state has been saved (runstate "${execution.runstate}"). Load it, or cancel, first.`,
  );
}
