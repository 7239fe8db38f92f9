/** Kinds of values that need no members. */
import * as v from 'valibot';
import type { ValueKind } from './option.ts';
import { asFlag, asIs, asNumber } from './text-values.ts';

export const integer = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

export const onOff: ValueKind = {
  allowed: 'true or false',
  schema: v.boolean(),
  fromText: asFlag,
};

export const wholeNumber = (least: number, most: number, unit?: string): ValueKind => ({
  allowed: `a whole number ${unit === undefined ? '' : `of ${unit} `}from ${least} to ${most}`,
  schema: integer(least, most),
  fromText: asNumber,
});

export const oneOf = (values: readonly string[], words = values.join(', ')): ValueKind => ({
  allowed: words,
  schema: v.picklist(values),
  fromText: asIs,
});

/** Longer texts of a state file are refused. */
const longestText = 4096;

export const text: ValueKind = {
  allowed: `a text of at most ${longestText} characters`,
  schema: v.pipe(v.string(), v.maxLength(longestText)),
  fromText: asIs,
};

const longestLine = 2047;

export const line: ValueKind = {
  allowed: `a text of at most ${longestLine} characters in one line`,
  schema: v.pipe(v.string(), v.maxLength(longestLine), v.regex(/^[^\0\n]*$/)),
  fromText: asIs,
  // Addresses once took any text, and state files of such machines must open.
  inFile: () => text.schema,
};

const powersOfTwo = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export const powerOfTwoMiB: ValueKind = {
  allowed: 'a power of two from 1 to 256 (MiB)',
  schema: v.pipe(v.number(), v.picklist(powersOfTwo)),
  fromText: asNumber,
};

export const milliseconds: ValueKind = {
  allowed: 'a number of milliseconds, 0 or more',
  schema: v.pipe(v.number(), v.finite(), v.minValue(0)),
  fromText: asNumber,
};

export const macAddress: ValueKind = {
  allowed: 'six pairs of hexadecimal digits, as 00:22:15:aa:bb:cc',
  schema: v.pipe(v.string(), v.regex(/^(?:[\da-f]{2}:){5}[\da-f]{2}$/i)),
  fromText: asIs,
};
