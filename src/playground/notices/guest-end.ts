/** Shows the end of a guest that crashed, powered itself down, or was ended by another page. */
import { HoldfastError } from '../../errors.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import type { Session } from '../session/session.ts';
import { actionLabel } from './error-texts.ts';
import type { Notices } from './notices.tsx';
import type { OperationReports } from './operation-reports.ts';

interface GuestEndOptions {
  session: Session;
  notices: Notices;
  reports: OperationReports;
  /** Called when the machine runs in another tab. */
  watch(): void;
  loadState(): void;
  startFresh(): void;
}

export class GuestEnd {
  readonly #options: GuestEndOptions;
  /** The notice is shown once. */
  #isShown = false;

  constructor(options: GuestEndOptions) {
    this.#options = options;
    options.session.onChange(() => this.#update());
  }

  /** Call before another guest starts. Its end is shown again. */
  expectAnother(): void {
    this.#isShown = false;
  }

  #update(): void {
    const { session, notices } = this.#options;
    const { status, busy } = session;
    const hasEnded = status?.runstate === 'internal-error' || status?.runstate === 'shutdown';
    if (!status || !hasEnded) {
      if (this.#isShown) notices.remove('run');
      this.#isShown = false;
      return;
    }
    // Other notices cover operations of this page.
    const isOurs = busy !== null || session.isSavedAway || session.isWatching;
    if (this.#isShown || isOurs) return;
    this.#isShown = true;
    this.#show(status);
  }

  #show({ runstate, destroyed, reason, crash }: MachineStatus): void {
    const { reports, watch } = this.#options;
    if (runstate === 'shutdown' && !destroyed) this.#showPoweredDown();
    else if (reason?.code === 'taken-over') watch();
    else if (reason) reports.report(new HoldfastError(reason.code, reason.message), 'run');
    else if (runstate === 'shutdown') this.#showGone();
    else {
      const message = crash ?? 'The emulator gave no reason.';
      reports.report(new HoldfastError('guest-crashed', message), 'run');
    }
  }

  #showPoweredDown(): void {
    const { session, notices, reports } = this.#options;
    notices.show('run', {
      tone: 'info',
      title: 'The guest powered itself down',
      text: 'Reset it to boot it again.',
      actions: [
        {
          label: 'Reset',
          run: () =>
            void reports.attempt('reset', () => session.run('reset', (machine) => machine.reset())),
        },
      ],
    });
  }

  #showGone(): void {
    const { notices, loadState, startFresh } = this.#options;
    notices.show('run', {
      tone: 'info',
      title: 'There is no guest any more',
      text: 'It was saved and shut down, or removed, here or by another page. Load its state to resume it, or start a new one.',
      actions: [
        { label: 'Load state…', run: loadState },
        { label: actionLabel['start-fresh'], run: startFresh },
      ],
    });
  }
}
