/** Shows foreign text in this page and in its sentences. No DOM. */

/** Invisible characters, and characters that change how others look. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** A value with a mark in the place of each character that could deceive. */
export const shown = (value: string): string => value.replaceAll(unseen, '\u{fffd}');

/** Longest name of a machine here. */
const nameLength = 80;
/** Quotation marks in a name could continue a sentence of this page. */
const quotationMarks = /[\p{Pi}\p{Pf}"„‚]/gu;

/** Makes a foreign title the name of a machine, for use in sentences of this page. */
export const asName = (title: string): string =>
  [...shown(title).replaceAll(quotationMarks, '’')].slice(0, nameLength).join('').trim() ||
  'Machine';
