/** Whether a guest outlives this page, where that is not a matter of course. */

import type { UrlOptions } from '../address/page-options.ts';
import type { Session } from '../session.ts';
import type { Notices } from './notices.ts';

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
      : 'This browser has no worker that outlives its pages (a shared worker with an extended lifetime).';
  if (!durable) {
    notices.show('survival', {
      tone: 'warning',
      title: 'Here the guest ends with this page',
      text: `${why} It is not saved either (?durable=off): a reload ends the guest. Live updates work all the same.`,
    });
    return;
  }
  const isolated = crossOriginIsolated;
  notices.show('survival', {
    tone: 'info',
    title: isolated
      ? 'Here the guest is saved when this page goes'
      : 'Here the guest goes back to its last checkpoint when this page goes',
    text: isolated
      ? `${why} A reload comes back from storage with nothing lost.`
      : `${why} A reload comes back from storage; what the guest did in the last second or so is lost, because this site is not cross-origin isolated.`,
  });
}
