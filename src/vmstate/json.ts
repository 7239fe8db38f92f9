/**
 * JSON sections as typed values. A checker takes what JSON.parse gave and returns it typed, or
 * throws the sentence that {@link decodeJson} puts into a `bad-vmstate`. See docs/spec/vmstate.md, rules JS1 to JS4.
 */
import { HoldfastError } from '../errors.ts';

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [member: string]: Json };

/** [JS2] Checked before anything is parsed: they limit the size of the parsed value. */
export interface JsonLimits {
  sectionBytes: number;
  depth: number;
  values: number;
}

export const jsonLimits: JsonLimits = { sectionBytes: 64 * 1024, depth: 8, values: 8192 };

/** Returns `value` typed. @throws Malformed */
export type Checker<T> = (value: Json | undefined, path: string) => T;

/** Becomes a `bad-vmstate` with the section's name. */
class Malformed extends Error {}

const refuse = (path: string, expected: string): never => {
  throw new Malformed(`${path || 'it'} is not ${expected}`);
};

export const boolean: Checker<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : refuse(path, 'true or false');

export const integer =
  (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): Checker<number> =>
  (value, path) =>
    Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum
      ? Number(value)
      : refuse(path, `a whole number from ${minimum} to ${maximum}`);

/** Milliseconds since 1970: JavaScript's own range of dates. */
export const time: Checker<number> = (value, path) =>
  typeof value === 'number' && value >= 0 && value <= 8.64e15
    ? value
    : refuse(path, 'a time in milliseconds');

export const text =
  (maximumLength: number, pattern = /^/): Checker<string> =>
  (value, path) =>
    typeof value === 'string' && value.length <= maximumLength && pattern.test(value)
      ? value
      : refuse(path, `a text of at most ${maximumLength} characters that fits ${pattern}`);

/** `xxh64:` and 16 hex digits. */
export const xxh64Text = text(22, /^xxh64:[0-9a-f]{16}$/);

export const oneOf =
  <const T extends string>(...words: T[]): Checker<T> =>
  (value, path) =>
    words.find((word) => word === value) ?? refuse(path, `one of ${words.join(', ')}`);

export const optional =
  <T>(check: Checker<T>): Checker<T | undefined> =>
  (value, path) =>
    value === undefined ? undefined : check(value, path);

export const listOf =
  <T>(check: Checker<T>, maximumItems: number): Checker<T[]> =>
  (value, path) =>
    Array.isArray(value) && value.length <= maximumItems
      ? value.map((item: Json, i) => check(item, `${path}[${i}]`))
      : refuse(path, `a list of at most ${maximumItems}`);

export const pairOf =
  <A, B>(first: Checker<A>, second: Checker<B>): Checker<readonly [A, B]> =>
  (value, path) =>
    Array.isArray(value) && value.length === 2
      ? [first(value[0], `${path}[0]`), second(value[1], `${path}[1]`)]
      : refuse(path, 'a pair');

/** A list in which no two items have the same `member`. */
export const distinct =
  <T extends object>(member: keyof T, check: Checker<T[]>): Checker<T[]> =>
  (value, path) => {
    const items = check(value, path);
    const names = new Set(items.map((item) => item[member]));
    return names.size === items.length
      ? items
      : refuse(path, `a list in which each ${String(member)} occurs once`);
  };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const child = (path: string, member: string) => (path ? `${path}.${member}` : member);

type Members<T> = { readonly [K in keyof Required<T>]: Checker<T[K]> };

/** [JS3] Accepts an object of exactly these members. */
export const record =
  <T extends object>(members: Members<T>): Checker<T> =>
  (value, path) => {
    if (!isObject(value)) return refuse(path, 'an object');
    const stranger = Object.keys(value).find((member) => !Object.hasOwn(members, member));
    if (stranger !== undefined) refuse(child(path, stranger), 'a member that this build knows');
    return recordOf(members, value, path);
  };

/** Accepts an object of these members; others are kept unchanged. */
export const openRecord =
  <T extends object>(members: Members<T>): Checker<T & JsonObject> =>
  (value, path) => {
    if (!isObject(value)) return refuse(path, 'an object');
    return { ...value, ...recordOf(members, value, path) };
  };

function recordOf<T extends object>(members: Members<T>, value: JsonObject, path: string): T {
  const found: Record<string, unknown> = {};
  for (const [member, check] of Object.entries(members) as [string, Checker<unknown>][]) {
    const own = Object.hasOwn(value, member) ? value[member] : undefined;
    const checked = check(own, child(path, member));
    if (checked !== undefined) found[member] = checked;
  }
  return found as T;
}

/** Counts the values in the text without parsing it. @throws Malformed */
function checkSize(source: string, limits: JsonLimits): void {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    // Every value except the first of an array or object follows one of these.
    if (!inString && (character === ',' || character === '[' || character === '{')) values++;
    if (depth > limits.depth) throw new Malformed('it is nested too deeply');
    if (values > limits.values) throw new Malformed('it has too many values');
  }
}

/**
 * @throws {HoldfastError} `bad-vmstate` with the name of `section` for anything that `check`
 * refuses.
 */
export function decodeJson<T>(
  section: string,
  bytes: Uint8Array,
  check: Checker<T>,
  limits = jsonLimits,
): T {
  try {
    if (bytes.length > limits.sectionBytes) throw new Malformed('it is too long');
    const source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    checkSize(source, limits);
    return check(JSON.parse(source) as Json, '');
  } catch (cause) {
    const reason = cause instanceof Malformed ? cause.message : 'it is not JSON';
    throw new HoldfastError(
      'bad-vmstate',
      `The section "${section}" of this vmstate is malformed: ${reason}. Use a vmstate that is whole.`,
      { cause },
    );
  }
}

/**
 * Encodes exactly what {@link decodeJson} accepts, so that a mistake is found where it is made.
 * @throws {HoldfastError} `bad-vmstate`
 */
export function encodeJson<T>(
  section: string,
  value: T,
  check: Checker<T>,
  limits = jsonLimits,
): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  decodeJson(section, bytes, check, limits);
  return bytes;
}
