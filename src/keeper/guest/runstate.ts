import { HoldfastError } from '../../errors.ts';
import type { Runstate } from '../../protocol/events.ts';

/**
 * Allowed runstate transitions. The source is `runstate_transitions_def` of QEMU 9. It is
 * reduced to our states, with two additions. A v86 can crash while its guest is stopped, so
 * `internal-error` may follow `paused`, `suspended` and `save-vm`. QEMU has two processes, one that
 * saved and one that starts in `inmigrate`; here one machine changes runtimes. So `inmigrate` may
 * follow `save-vm`, and also `paused`: a machine that is saved while paused stays in it. A migration
 * stops the guest without a runstate of its own, so `postmigrate` follows each that can be sent.
 */
const transitions: Record<Runstate, readonly Runstate[]> = {
  prelaunch: ['inmigrate', 'running', 'suspended'],
  inmigrate: ['prelaunch', 'running', 'paused', 'suspended', 'shutdown', 'internal-error'],
  postmigrate: ['running', 'paused', 'suspended', 'internal-error'],
  // Shown in place of `running`, and never set.
  'postcopy-paused': [],
  running: ['paused', 'suspended', 'save-vm', 'postmigrate', 'shutdown', 'internal-error'],
  paused: ['prelaunch', 'running', 'suspended', 'inmigrate', 'postmigrate', 'internal-error'],
  suspended: [
    'prelaunch',
    'running',
    'paused',
    'save-vm',
    'postmigrate',
    'shutdown',
    'internal-error',
  ],
  'save-vm': ['running', 'suspended', 'inmigrate', 'internal-error'],
  'internal-error': ['prelaunch', 'paused'],
  shutdown: ['prelaunch', 'paused'],
};

/** The runstate of one machine. Starts as `prelaunch`. */
export class RunstateMachine {
  #current: Runstate = 'prelaunch';

  get current(): Runstate {
    return this.#current;
  }

  /**
   * @throws HoldfastError `internal` for a transition that is not in the table: a defect of ours.
   */
  set(next: Runstate): void {
    if (!canFollow(this.#current, next)) {
      throw new HoldfastError(
        'internal',
        `Invalid runstate transition: ${this.#current} to ${next}.`,
      );
    }
    this.#current = next;
  }

  /** @throws HoldfastError `bad-runstate` unless the current state is one of `allowed`. */
  require(operation: string, ...allowed: Runstate[]): void {
    if (allowed.includes(this.#current)) return;
    throw new HoldfastError(
      'bad-runstate',
      `Cannot ${operation}: the machine is in runstate "${this.#current}", not "${allowed.join('" or "')}".`,
    );
  }
}

export function canFollow(from: Runstate, to: Runstate): boolean {
  return transitions[from].includes(to);
}
