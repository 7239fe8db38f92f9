/**
 * The rules of prose, as data: plain technical English, as the readers of MDN and QEMU's docs expect.
 */

/** Longest sentence, words. */
export const longestWords = 20;

/** Words that a stranger does not know, and what to write. Case does not matter. */
export const forbidden = [
  { words: /\bput(s|ting)? right\b/, write: 'fix up, or correct' },
  { words: /\bshel(f|ves)\b/, write: 'storage' },
  { words: /\bdoings?\b/, write: 'run state, or operation' },
  { words: /\barrivals?\b/, write: 'start source' },
  { words: /\b(who|what|which)(so)?ever\b/, write: 'the name of the caller or the thing' },
  { words: /\bnobody\b/, write: 'no page, no caller' },
  { words: /\bgo(es|ing)? on\b/, write: 'resume, or continue' },
  { words: /\b(brought|brings?) back\b/, write: 'restore' },
  { words: /\bleft behind\b/, write: 'previous' },
  { words: /\bhead start\b/, write: 'preload' },
  { words: /\blast words\b/, write: 'final message' },
  { words: /\blook(s|ed|ing)? on\b/, write: 'watch' },
  { words: /\bof one's own\b/, write: 'your own' },
  { words: /\b(to be|can be|be) had\b/, write: 'available' },
  { words: /\bis of use\b/, write: 'is useful' },
  { words: /\bthat of (the|a|an|what|its)\b/, write: 'the noun again' },
  { words: /\bas of\b/, write: 'such as, or from' },
];

/** A comment or heading begins with the noun or the verb. */
export const headless = /^(Of|What|Whatever|Who|Whom|Whose|Whoever)\b(?!.*\?)/;
