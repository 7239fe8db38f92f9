import { HoldfastError } from '../../errors.ts';
import type { SetDurableOptions } from '../../protocol/stored.ts';
import type { Session } from '../session/session.ts';
import { ask } from '../ui/ask.tsx';
import { errorText } from './error-text.ts';
import type { Notices } from './notices.tsx';

interface DurabilityNoticeOptions {
  session: Session;
  notices: Notices;
  /** Runs an operation on storage, and reports failures. */
  attempt(work: () => Promise<unknown>): void;
  /** Resumes the guest in storage, which replaces the present one. */
  resumeStored(): void;
}

/** Shows that the guest is not saved any more, and what to do, for as long as that is so. */
export class DurabilityNotice {
  readonly #options: DurabilityNoticeOptions;
  #shown: string | undefined;

  constructor(options: DurabilityNoticeOptions) {
    this.#options = options;
    options.session.onChange(() => this.#show());
  }

  #show(): void {
    const { session, notices } = this.#options;
    // The tab that runs it shows this notice.
    const error = session.isWatching ? undefined : session.status?.durability?.error;
    if (error?.code === this.#shown) return;
    this.#shown = error?.code;
    if (!error) {
      notices.remove('durability');
      return;
    }
    const { title, advice } = errorText(new HoldfastError(error.code, error.message), 'storage');
    notices.show('durability', {
      tone: 'warning',
      title: `The guest is not saved: ${title}`,
      text: advice,
      detail: `${error.message} (${error.code})`,
      actions: this.#actions(error.code),
    });
  }

  #actions(code: HoldfastError['code']) {
    const { session, attempt, resumeStored } = this.#options;
    const tryAgain = {
      label: 'Try again',
      run: () => attempt(async () => session.machine?.checkpoint()),
    };
    switch (code) {
      case 'taken-over':
        return [];
      case 'storage-occupied':
        return [
          { label: 'Resume the stored one', run: resumeStored },
          { label: 'Save this one in its place…', run: () => void this.#askReplace() },
        ];
      case 'storage-reserved':
        return [{ label: 'Keep it as mine', run: () => this.#setDurable({ own: true }) }, tryAgain];
      default:
        return [tryAgain];
    }
  }

  /** Replaces the guest in storage, or makes the machine the visitor's own. */
  #setDurable(how: SetDurableOptions): void {
    const { session, attempt } = this.#options;
    attempt(() => session.run('storage', (machine) => machine.setDurable(true, how)));
  }

  async #askReplace(): Promise<void> {
    const yes = await ask({
      title: 'Save this guest in place of the stored one?',
      text: 'The guest in storage is deleted for good. The one that is here keeps running, and is saved from now on.',
      ok: 'Delete the stored one',
    });
    if (yes) return this.#setDurable({ replace: true });
    // The click removed the notice.
    this.#shown = undefined;
    this.#show();
  }
}
