import { HoldfastError, type HoldfastErrorCode, type RestartPhase } from '../../errors.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';

/** Steps of cprSave and cprLoad, in order. Each may fail. */
export type CprStep =
  | 'blockers'
  | 'prepare'
  | 'quiesce'
  | 'stop'
  | 'save'
  | 'checkpoint'
  | 'write'
  | 'hold'
  | 'end'
  | 'read'
  | 'decode'
  | 'find'
  | 'restore'
  | 'swap'
  | 'load'
  | 'run';

/** Steps of a migration, in order. Each may fail; up to `run` the guest runs on at the source. */
export type MigrationStep =
  | 'setup'
  | 'accept'
  | 'copy'
  | 'pre-switchover'
  | 'stop'
  | 'device'
  | 'ready'
  | 'leave'
  | 'run'
  | 'confirm';

/** Called around every step. A test throws from it to check that the guest survives. */
export type AroundStep = (
  operation: 'cprSave' | 'cprLoad' | 'migrate' | 'migrateIncoming',
  step: CprStep | MigrationStep,
  when: 'before' | 'after',
) => void;

const phaseOf: Record<CprStep, RestartPhase> = {
  blockers: 'prepare',
  prepare: 'prepare',
  quiesce: 'stop',
  stop: 'stop',
  save: 'save',
  checkpoint: 'write',
  write: 'write',
  hold: 'swap',
  end: 'swap',
  read: 'read',
  decode: 'read',
  find: 'read',
  restore: 'load',
  swap: 'swap',
  load: 'load',
  run: 'run',
};

/** Runs the steps of one operation, and adds the step's phase to errors. */
export class Steps {
  readonly #operation: 'cprSave' | 'cprLoad';
  readonly #around: AroundStep | undefined;

  constructor(operation: 'cprSave' | 'cprLoad', around: AroundStep | undefined) {
    this.#operation = operation;
    this.#around = around;
  }

  /** For code that announces its steps itself. */
  readonly around = (step: CprStep, when: 'before' | 'after'): void => {
    this.#around?.(this.#operation, step, when);
  };

  /** @throws HoldfastError with the phase of this step */
  take<T>(step: CprStep, action: () => T): T {
    try {
      this.around(step, 'before');
      const result = action();
      this.around(step, 'after');
      return result;
    } catch (thrown) {
      throw this.#named(step, thrown);
    }
  }

  /** Like {@link take}, for an asynchronous step. Resolves also with its duration. */
  async wait<T>(step: CprStep, action: () => Promise<T>): Promise<{ result: T; tookMs: number }> {
    const fromMs = performance.now();
    try {
      this.around(step, 'before');
      const result = await action();
      this.around(step, 'after');
      return { result, tookMs: performance.now() - fromMs };
    } catch (thrown) {
      throw this.#named(step, thrown);
    }
  }

  #named(step: CprStep, thrown: unknown): HoldfastError {
    const code: HoldfastErrorCode = 'runtime-failed';
    return HoldfastError.from(
      adoptHoldfastError(thrown),
      code,
      `${this.#operation} failed at "${step}", the guest was not touched`,
      phaseOf[step],
    );
  }
}
