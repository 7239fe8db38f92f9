/** Text that somebody else chose, for our pages and sentences. No DOM. */

/** Characters that are not seen, or make others look different from what they are. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** A value with a mark in the place of each character that could deceive. */
export const shown = (value: string): string => value.replaceAll(unseen, '\u{fffd}');

/** Longest name that somebody can give a machine here. */
const nameLength = 80;
/** Quotation marks in a name would let it continue as a sentence of ours. */
const quotationMarks = /[\p{Pi}\p{Pf}"„‚]/gu;

/** A title of somebody else's as the name of a machine, which stands in our sentences. */
export const asName = (title: string): string =>
  [...shown(title).replaceAll(quotationMarks, '’')].slice(0, nameLength).join('').trim() ||
  'Machine';
