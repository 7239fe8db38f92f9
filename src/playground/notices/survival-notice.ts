/** Shows whether a guest outlives this page, if that is not obvious. */

import type { UrlOptions } from '../address/page-options.ts';
import type { Session } from '../session/session.ts';
import type { Notices } from './notices.tsx';

export function showSurvival(
  { machine }: Session,
  { host, durable }: Pick<UrlOptions, 'host' | 'durable'>,
  notices: Notices,
): void {
  if (!machine || machine.survivesReload) {
    notices.remove('survival');
    return;
  }
  const why =
    host === 'dedicated'
      ? 'The address asks for a worker of this page alone (?host=dedicated).'
      : 'This browser has no worker that outlives its pages (no shared worker with an extended lifetime).';
  if (!durable) {
    notices.show('survival', {
      tone: 'warning',
      title: 'Closing this page ends the guest',
      text: `${why} It is not saved either (?durable=off): a reload ends the guest. Live updates work all the same.`,
    });
    return;
  }
  const isolated = crossOriginIsolated;
  notices.show('survival', {
    tone: 'info',
    title: isolated
      ? 'The guest is saved when this page closes'
      : 'Closing this page rewinds the guest to its last checkpoint',
    text: isolated
      ? `${why} A reload resumes it from storage with nothing lost.`
      : `${why} A reload resumes it from storage, without about its last second: this site is not cross-origin isolated.`,
  });
}
