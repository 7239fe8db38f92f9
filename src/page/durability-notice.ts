import { CprError } from '../errors.ts';
import { errorText } from './error-text.ts';
import type { Notices } from './notices.ts';
import type { Session } from './session.ts';

/** Says that the guest is not saved any more, and what to do, for as long as that is so. */
export class DurabilityNotice {
  #shown: string | undefined;

  constructor(session: Session, notices: Notices, tryAgain: () => void) {
    session.onChange(() => {
      // Whoever runs it is told there.
      const error = session.isWatching ? undefined : session.status?.durability?.error;
      if (error?.code === this.#shown) return;
      this.#shown = error?.code;
      if (!error) {
        notices.remove('durability');
        return;
      }
      const { title, advice } = errorText(new CprError(error.code, error.message), 'storage');
      notices.show('durability', {
        tone: 'warning',
        title: `The guest is not saved: ${title}`,
        text: advice,
        detail: `${error.message} (${error.code})`,
        actions: error.code === 'taken-over' ? [] : [{ label: 'Try again', run: tryAgain }],
      });
    });
  }
}
