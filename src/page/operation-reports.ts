/** Tells what failed, and offers what can be done about it. */
import { CprError } from '../errors.ts';
import { actionLabel, type ErrorAction, errorText, type Operation } from './error-text.ts';
import type { Notices } from './notices.ts';
import type { Session } from './session.ts';

export interface OperationReportsOptions {
  session: Session;
  notices: Notices;
  /** Connects anew. */
  reconnect(): void;
  /** Asks first. @returns whether a new guest boots */
  startFresh(): Promise<boolean>;
}

export class OperationReports {
  readonly #options: OperationReportsOptions;

  constructor(options: OperationReportsOptions) {
    this.#options = options;
  }

  /** @returns whether it worked */
  async attempt(
    operation: Operation,
    work: () => Promise<unknown>,
    again: () => void = () => void this.attempt(operation, work),
  ): Promise<boolean> {
    this.#options.notices.remove(operation);
    try {
      await work();
      return true;
    } catch (thrown) {
      const error = CprError.from(thrown, 'internal', 'This did not work');
      // Who closes a dialog need not be told.
      if (error.code !== 'cancelled') this.report(error, operation, again);
      return false;
    }
  }

  report(error: CprError, operation: Operation, again?: () => void): void {
    const { notices, startFresh, reconnect } = this.#options;
    const { title, advice, actions } = errorText(error, operation);
    const run: Record<ErrorAction, (() => void) | undefined> = {
      'try-again': again,
      'start-fresh': async () => {
        if (!(await startFresh())) this.report(error, operation, again);
      },
      reload: this.#reloadEndsGuest ? undefined : () => location.reload(),
      reconnect,
      'export-rest':
        operation === 'resume-stored'
          ? () => void this.#exportRest(() => this.report(error, operation, again))
          : undefined,
    };
    // A lost keeper ends every operation: one notice says so.
    const isLost = error.code === 'keeper-gone' || error.code === 'keeper-silent';
    notices.show(isLost ? 'run' : operation, {
      tone: 'error',
      title,
      text: advice,
      detail: `${error.message} (${error.code}${error.phase ? `, phase ${error.phase}` : ''})`,
      actions: actions.flatMap((action) => {
        const act = run[action];
        return act ? [{ label: actionLabel[action], run: act }] : [];
      }),
    });
  }

  /** @param back shows what offered this: it can be asked for again */
  async #exportRest(back: () => void): Promise<void> {
    const { session, notices } = this.#options;
    await this.attempt('storage', async () => {
      const missing = await session.export(session.machineId, { kind: 'everything' });
      notices.show('export', {
        tone: 'info',
        title: 'What is left was saved as a tar archive',
        text: 'In it are memory, disks as raw images, and what the consoles said; machine.json says what is missing.',
        detail: missing.join(' '),
      });
    });
    back();
  }

  get #reloadEndsGuest(): boolean {
    const { machine, status } = this.#options.session;
    return machine !== null && !machine.survivesReload && status?.runstate === 'running';
  }
}
