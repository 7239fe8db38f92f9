/** For tests: kinds of damage to a vmstate, by accident and by intent. */

export interface Mutated {
  kind: string;
  bytes: Uint8Array;
  /** True if its digests must be updated, so that the damage passes them. */
  redigest: boolean;
}

/**
 * Returns a small fast generator, so that a failing case can be repeated. (Marsaglia's xorshift32.)
 */
export function randomSource(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

type Next = (below: number) => number;

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Returns the start and end of each section in an intact file. */
function sectionsOf(state: Uint8Array): { start: number; end: number }[] {
  const view = viewOf(state);
  const sections: { start: number; end: number }[] = [];
  let start = view.getUint32(8, true) === 1 ? 16 : 24;
  while (start < state.length) {
    const nameEnd = (start + 24 + view.getUint32(start + 12, true) + 7) & ~7;
    const end = (nameEnd + view.getUint32(start + 8, true) + 7) & ~7;
    sections.push({ start, end });
    start = end;
  }
  return sections;
}

/** Returns the file with `parts` in place of its sections, and the right count. */
function withSections(state: Uint8Array, parts: Uint8Array[]): Uint8Array {
  const [first] = sectionsOf(state);
  const out = concat(state.subarray(0, first?.start), ...parts);
  viewOf(out).setUint32(12, parts.length, true);
  return out;
}

const lies = [0, 1, 7, 255, 65_535, 65_536, 2 ** 20, 2 ** 26, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** Tags before a value with a count: numbers after one of these are wrong counts. */
const countedTags = [6, 7, 8, 9];

const mutations: Record<string, (state: Uint8Array, other: Uint8Array, next: Next) => Uint8Array> =
  {
    'flipped bits': (state, _, next) => {
      for (let left = 1 + next(8); left > 0; left--) {
        const at = next(state.length);
        state[at] = (state[at] ?? 0) ^ (1 << next(8));
      }
      return state;
    },
    truncation: (state, _, next) => state.slice(0, next(state.length)),
    'a splice of two files': (state, other, next) => {
      const at = next(state.length);
      return concat(state.subarray(0, at), other.subarray(next(2) ? at : next(other.length)));
    },
    'a piece copied elsewhere': (state, _, next) => {
      state.copyWithin(next(state.length), next(state.length), next(state.length));
      return state;
    },
    'a length that lies': (state, _, next) => {
      const sections = sectionsOf(state);
      const section = sections[next(sections.length)];
      const fields = [12, ...[0, 4, 8, 12].map((field) => (section?.start ?? 0) + field)];
      const lie = next(2) ? (lies[next(lies.length)] ?? 0) : next(2 ** 32);
      viewOf(state).setUint32(fields[next(fields.length)] ?? 12, lie, true);
      return state;
    },
    'a count in a value that lies': (state, _, next) => {
      let at = next(state.length - 16);
      while (at < state.length - 16 && !countedTags.includes(state[at] ?? 0)) at++;
      const field = state[at] === 9 ? at + 2 : at + 1;
      viewOf(state).setUint32(field, lies[next(lies.length)] ?? 0, true);
      return state;
    },
    'deep nesting': (state, _, next) => {
      const at = next(state.length);
      const depth = 1 + next(200);
      const unit = next(2) ? [7, 1, 0, 0, 0] : ['['.charCodeAt(0)];
      const nest = Uint8Array.from(
        { length: depth * unit.length },
        (_, i) => unit[i % unit.length] ?? 0,
      );
      state.set(nest.subarray(0, state.length - at), at);
      return state;
    },
    'a section taken away': (state, _, next) => {
      const parts = sectionsOf(state).map(({ start, end }) => state.subarray(start, end));
      parts.splice(next(parts.length), 1);
      return withSections(state, parts);
    },
    'a section twice': (state, _, next) => {
      const parts = sectionsOf(state).map(({ start, end }) => state.subarray(start, end));
      const twice = parts[next(parts.length)];
      return withSections(state, twice ? [...parts, twice] : parts);
    },
    'sections in another order': (state, _, next) => {
      const parts = sectionsOf(state).map(({ start, end }) => state.subarray(start, end));
      const [moved] = parts.splice(next(parts.length), 1);
      return withSections(state, moved ? [...parts, moved] : parts);
    },
    'a section of another file': (state, other, next) => {
      const parts = sectionsOf(state).map(({ start, end }) => state.subarray(start, end));
      const others = sectionsOf(other).map(({ start, end }) => other.subarray(start, end));
      const taken = others[next(others.length)];
      if (taken) parts[next(parts.length)] = taken;
      return withSections(state, parts);
    },
  };
const kinds = Object.keys(mutations);

/** Damages a copy of `files[which]`. */
export function mutate(files: readonly Uint8Array[], which: number, next: Next): Mutated {
  const kind = kinds[next(kinds.length)] ?? '';
  const state = Uint8Array.from(files[which] ?? []);
  const other = files[next(files.length)] ?? state;
  const bytes = mutations[kind]?.(state, other, next) ?? state;
  return { kind, bytes, redigest: next(2) === 0 };
}
