/** Describes an error for the user, by the operation that failed. No DOM. */
import { type HoldfastError, type HoldfastErrorCode, unreachable } from '../../errors.ts';
import type { Operation } from '../session/operation.ts';
import { type ErrorAction, errorTexts } from './error-texts.ts';

interface ErrorText {
  title: string;
  /** Sentences that end in a next step. */
  advice: string;
  /** Buttons in their order. The first is the best one to try. */
  actions: readonly ErrorAction[];
}

/** Failures after which there is no guest, or none that the page can reach. */
const guestIsLost: readonly HoldfastErrorCode[] = [
  'guest-crashed',
  'keeper-gone',
  'keeper-silent',
  'keeper-moved',
  'no-machine',
];

/** @param error its message decides if one code has several reasons */
export function errorText(
  { code, message = '' }: Pick<HoldfastError, 'code'> & Partial<Pick<HoldfastError, 'message'>>,
  operation: Operation,
): ErrorText {
  if (operation === 'change-medium' && code === 'bad-config')
    return {
      title: 'The image does not fit into this drive',
      advice: 'The drive keeps its present image. Choose another one.',
      actions: [],
    };
  if (operation === 'connect' && code === 'blocked')
    return {
      title:
        'The guest runs in an older keeper, and not everything would follow it to the newer one',
      advice:
        'The guest continues there. Remove the reasons below in a page of that version, or move it anyway.',
      actions: ['try-again', 'move-anyway'],
    };
  const words = errorTexts[code];
  const { title, actions } = words;
  const step = message.includes(unreachable) ? (words.unreachable ?? words.advice) : words.advice;
  const advice = [guestNow(words.guest, operation), step].filter(Boolean).join(' ');
  if (operation !== 'live-update' || guestIsLost.includes(code)) return { title, advice, actions };
  return {
    title: 'The live update did not happen',
    advice: `The guest keeps running on the emulator it had. ${title}. ${advice}`,
    actions: actions.filter((action) => action !== 'start-fresh'),
  };
}

/** @param guest consequence of a storage failure for a running guest: none runs yet during a resume */
function guestNow(guest: string | undefined, operation: Operation): string | undefined {
  if (guest === undefined || operation !== 'resume-stored') return guest;
  return 'Nothing was started, and the stored guest is left as it is.';
}
