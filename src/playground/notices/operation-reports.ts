/** Shows failures, with buttons for the next step. */
import type { HoldfastError, HoldfastErrorCode } from '../../errors.ts';
import type { Operation } from '../session/operation.ts';
import type { Session } from '../session/session.ts';
import { errorText } from './error-text.ts';
import { actionLabel, type ErrorAction } from './error-texts.ts';
import type { Notice, Notices } from './notices.tsx';
import { explained } from './site-update.ts';

interface OperationReportsOptions {
  session: Session;
  notices: Notices;
  /** Connects again. */
  reconnect(): void;
  /**
   * Asks the user first.
   * @returns whether a new guest boots
   */
  startFresh(): Promise<boolean>;
  /** Saves a file of the readable parts of the stored machine. Resolves with the missing parts. */
  saveRest(): Promise<readonly string[]>;
}

const lostCodes: readonly HoldfastErrorCode[] = ['keeper-gone', 'keeper-silent', 'keeper-moved'];

export class OperationReports {
  readonly #options: OperationReportsOptions;

  constructor(options: OperationReportsOptions) {
    this.#options = options;
  }

  /** @returns whether the operation succeeded */
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
      const error = await explained(thrown, 'This did not work');
      // A user who closes a dialog needs no message.
      if (error.code !== 'cancelled') this.report(error, operation, again);
      return false;
    }
  }

  report(error: HoldfastError, operation: Operation, again?: () => void): void {
    const { notices, startFresh, reconnect } = this.#options;
    const { title, advice, actions } = errorText(error, operation);
    const run: Record<ErrorAction, (() => void) | undefined> = {
      'try-again': again,
      'start-fresh': async () => {
        if (!(await startFresh())) this.report(error, operation, again);
      },
      reload: this.#reloadEndsGuest ? undefined : () => location.reload(),
      reconnect,
      'move-anyway': () => {
        this.#options.session.overridesBlockers = true;
        reconnect();
      },
      'export-rest':
        operation === 'resume-stored'
          ? () => void this.#exportRest(() => this.report(error, operation, again))
          : undefined,
      'resume-here': () =>
        void this.attempt('resume', () =>
          this.#options.session.run('resume', (machine) => machine.resume()),
        ),
    };
    // A lost keeper ends every operation: one notice reports it.
    const isLost = lostCodes.includes(error.code);
    notices.show(isLost ? 'run' : operation, {
      tone: 'error',
      title,
      text: advice,
      ...detailOf(error),
      actions: actions.flatMap((action) => {
        const act = run[action];
        return act ? [{ label: actionLabel[action], run: act }] : [];
      }),
    });
  }

  /** @param back shows the notice again, so that the user can retry */
  async #exportRest(back: () => void): Promise<void> {
    const { notices, saveRest } = this.#options;
    await this.attempt('storage', async () => {
      const missing = await saveRest();
      notices.show('export', {
        tone: 'info',
        title: 'The remaining data was saved as a tar archive',
        text: 'It holds memory, disks as raw images, and console output. machine.json lists what is missing.',
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

/** The error's message. A stack, and the traces of a crash, are for a report only. */
export function detailOf({
  code,
  phase,
  message,
}: Pick<HoldfastError, 'code' | 'phase' | 'message'>): Pick<Notice, 'detail' | 'folded'> {
  const kind = `(${code}${phase ? `, phase ${phase}` : ''})`;
  const [sentence = '', ...rest] = message.trim().split('\n');
  const isCrash = code === 'guest-crashed';
  if (rest.length === 0 && !isCrash) return { detail: `${message} ${kind}` };
  const folded = `${message.trim()}\n${kind}`;
  // The first line of a stack is a function name, which means nothing to users.
  return isCrash || isFrame(sentence) ? { folded } : { detail: `${sentence} ${kind}`, folded };
}

const isFrame = (line: string) => /^\s*at |\bhttps?:\S+:\d+:\d+/.test(line);
