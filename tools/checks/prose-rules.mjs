/**
 * The rules of prose, as data: plain technical English, as the readers of MDN and QEMU's docs expect.
 */

/** Longest sentence, words. */
export const longestWords = 20;

/** Longest sentence with a colon, words. Each part of it is held to {@link longestWords}. */
export const longestWithColon = 30;

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

/**
 * Words that are plain to the user of a page. In a comment or the name of a test they hide which part
 * of the program is meant.
 */
export const vague = [
  { words: /\b(any|some)body\b|\b(any|some)one\b/, write: 'the user, the page, or the caller' },
  {
    words: /\b(is|are|be|was|been) told\b(?! (apart|from)\b)/,
    write: 'the name of the message or event',
  },
  { words: /\b(say|says|said) so\b/, write: 'the name of the message, or report' },
  { words: /\bhears? of\b/, write: 'receives, or is notified' },
  { words: /\bis so again\b|\bthere again\b/, write: 'is restored' },
  { words: /\b(comes?|came) back\b/, write: 'return, resume, or is restored' },
  { words: /\blets? go\b/, write: 'release' },
  { words: /\bthrown away\b/, write: 'discarded, or deleted' },
  { words: /\bin the way\b/, write: 'blocks' },
];

/** Beginnings of a comment or the name of a test that are neither a noun nor a verb. */
export const headless =
  /^(Of|What|Whatever|Who|Whom|Whose|Whoever|(For|From|In|To|With) (what|whom)|(One|Those) (before|in|of (it|them|whom)|that|to|which|who|whose|with)|Those of|That (of|one|which))\b(?!.*\?)/i;

/** The same of the text after a tag, which may continue the name of its parameter: `folder of a page`. */
export const headlessTag = /^(what|whatever|who|whom|whoever|those of|that of)\b(?!.*\?)/i;
