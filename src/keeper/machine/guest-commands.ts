/** Commands of a runtime by name: which wake a guest, and which a guest that was saved can answer. */
import { HoldfastError } from '../../errors.ts';
import type { Execution } from '../guest/execution.ts';

const waking = ['consoleInput', 'scancodes', 'reset', 'systemPowerdown'];
const looking = ['screen', 'filesRead', 'filesList'];

/** What a suspended guest wakes of. */
function wakesGuest(command: string): boolean {
  return waking.includes(command) || command.startsWith('mouse');
}

/** What changes nothing. Everything else would be lost on a guest whose state was saved. */
function onlyLooks(command: string): boolean {
  return looking.includes(command) || /^(?:info|read|check)/.test(command);
}

/** @throws HoldfastError `bad-runstate` for a guest that was saved, or what the command throws */
export function runCommand(execution: Execution, name: string, args: unknown[]): unknown {
  if (wakesGuest(name)) {
    requireReceptive(execution, name);
    execution.wakeIfSuspended();
  }
  return commandGuest(execution, name, args);
}

/** As {@link runCommand}, but a suspended guest sleeps on: it hears of it when something else wakes it. */
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

/** What reaches devices after they were saved would be lost. */
function requireReceptive(execution: Execution, command: string): void {
  if (!execution.isFrozen) return;
  throw new HoldfastError(
    'bad-runstate',
    `The guest takes no "${command}" now: its state has been saved (runstate "${execution.runstate}"). Load it, or cancel, first.`,
  );
}
